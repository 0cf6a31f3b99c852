import type { MetadataReplica } from "../metadata/log/replica.ts";
import type { StaticSettings } from "../metadata/settings/broker-settings.ts";
import type { Clock } from "../ports/clock.ts";
import type { Random } from "../ports/random.ts";
import type { CellMember } from "./cell/member.ts";
import type { FetchSessionCache } from "./fetch-sessions/session-cache.ts";
import type { Groups } from "./groups/groups.ts";
import type { LogOutput } from "./log-output.ts";
import type { LogStore } from "./log/log-store.ts";
import type { ProducerIds } from "./producer-ids.ts";
import type { AppendGate } from "./replication/append-gate.ts";
import type { ControllerLink } from "./replication/controller-link.ts";
import type { InSyncKeeper } from "./replication/in-sync-keeper.ts";
import type { ReplicaFetchers } from "./replication/replica-fetchers.ts";
import type { TopicTable } from "./replication/topic-table.ts";

import type { Tier } from "./cold/tier.ts";
import type { TierWriter } from "./cold/tier-writer.ts";

/** What handlers act on. Put together in broker.ts; nothing here reaches for the world but through the ports. */
export type BrokerServices = {
  readonly brokerId: number;
  readonly metadata: MetadataReplica;
  readonly topics: TopicTable;
  readonly fetchers: ReplicaFetchers;
  readonly controller: ControllerLink;
  readonly inSync: InSyncKeeper;
  readonly cell: CellMember;
  readonly store: LogStore;
  /** The object store, where what is no longer here is read from. */
  readonly tier: Tier;
  /** What a leader changes there. */
  readonly tierWriter: TierWriter;
  /** Lets go of what recoveries have read of packs, if there was none for a while. */
  readonly forgetPacks: () => void;
  /** Where the log lies, as DescribeLogDirs names it. */
  readonly logDirectory: string;
  readonly gate: AppendGate;
  readonly groups: Groups;
  readonly sessions: FetchSessionCache;
  readonly producerIds: ProducerIds;
  /** Server settings this broker was started with, by Kafka's names, as DescribeConfigs shows them. */
  readonly startedWith: StaticSettings;
  /** Aborted when the broker begins to stop: what waits for something to happen is answered with what there is. */
  readonly stopping: AbortSignal;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: LogOutput;
};
