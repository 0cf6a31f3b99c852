// One member of a classic consumer group. The library joins, syncs, heartbeats and joins again by itself; this keeps it at that after failures it gives
// up on, follows the topics' partition counts, and commits without treating a rebalance as an error.
import type { ConsumerGroupJoinPayload } from "@platformatic/kafka";
import type { MyelinError } from "../errors.ts";
import { toMyelinError } from "../errors.ts";
import type { ClientConnection } from "./connection-options.ts";
import { connectionOptions } from "./connection-options.ts";
import { watchCoordinator } from "./coordinator-watch.ts";
import { GroupClient } from "./group-client.ts";
import type { OffsetToCommit } from "./ownership.ts";
import type { LookUp } from "./partition-leaders.ts";
import { topicMetadata } from "./topic-metadata.ts";

export type Assignment = {
  readonly memberId: string;
  readonly generationId: number;
  readonly partitions: readonly { topic: string; partition: number }[];
};

export type MembershipOptions = ClientConnection & {
  readonly group: string;
  readonly topics: readonly string[];
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
  readonly lookUp: LookUp;
  /** Partitions are about to change hands; called once per rebalance, before this member says that it is ready for it. */
  readonly onRevoke: () => void;
  readonly onAssigned: (assignment: Assignment) => void;
  /** The group cannot be joined, and trying again would not help. */
  readonly onFailure: (error: MyelinError) => void;
};

/** A commit the group would not take because its generation is over: what it said is said again by the next one, or comes again. */
const staleCodes: ReadonlySet<string> = new Set([
  "REBALANCE_IN_PROGRESS",
  "ILLEGAL_GENERATION",
  "UNKNOWN_MEMBER_ID",
]);

const rejoinPauseMs = 500;
const topicCheckMs = 30_000;

/** One member of one group. */
export class Membership {
  readonly #client: GroupClient;
  readonly #options: MembershipOptions;
  #isClosed = false;
  #isRevoking = false;
  #isLeader = false;
  #isJoiningAgain = false;
  #rejoin: NodeJS.Timeout | null = null;
  #topicCheck: NodeJS.Timeout | null = null;
  #partitionCounts = "";
  readonly #stopWatching: () => void;

  constructor(options: MembershipOptions) {
    this.#options = options;
    this.#client = new GroupClient({
      ...connectionOptions(options),
      groupId: options.group,
      autocommit: false,
      sessionTimeout: options.sessionTimeoutMs,
      rebalanceTimeout: options.rebalanceTimeoutMs,
      heartbeatInterval: Math.min(3_000, Math.floor(options.sessionTimeoutMs / 3)),
      // Joining may take as long as the slowest member's rebalance timeout.
      requestTimeout: options.rebalanceTimeoutMs + 30_000,
    });
    this.#client.on("consumer:group:rebalance", () => this.#revoke());
    this.#client.on("consumer:group:join", (payload) => this.#joined(payload));
    // The library could not join again after a heartbeat told it to, and has stopped its heartbeats.
    this.#client.on("error", (error) => this.#joinFailed(error));
    const { group, lookUp } = options;
    this.#stopWatching = watchCoordinator({ client: this.#client, group, lookUp });
  }

  /** Joins; `onAssigned` is called before it resolves. Rejects with MyelinError. */
  async join(): Promise<void> {
    try {
      this.#partitionCounts = await this.#countPartitions(false);
      for (const topic of this.#options.topics) this.#client.topics.track(topic);
      await this.#client.joinGroup({});
    } catch (error) {
      throw toMyelinError(error, `Joining the group ${this.#options.group} failed`);
    }
    this.#checkTopicsLater();
  }

  /** True if the group took them, false if a rebalance overtook them. Rejects with MyelinError. */
  async commit(offsets: OffsetToCommit[]): Promise<boolean> {
    if (offsets.length === 0) return true;
    const isRejoinUnderWay = this.#isRevoking;
    try {
      await this.#client.commit({ offsets });
      return true;
    } catch (error) {
      const failure = toMyelinError(error, `Committing offsets of ${this.#options.group} failed`);
      if (!staleCodes.has(failure.code)) throw failure;
      if (!isRejoinUnderWay) void this.#joinAgain();
      return false;
    }
  }

  /** Where the group has got to; -1 where it has no offset. */
  async committed(
    partitions: readonly { topic: string; partition: number }[],
  ): Promise<(topic: string, partition: number) => number> {
    const topics = Map.groupBy(partitions, ({ topic }) => topic);
    const found = await this.#client.listCommittedOffsets({
      topics: [...topics].map(([topic, each]) => ({
        topic,
        partitions: each.map(({ partition }) => partition),
      })),
    });
    return (topic, partition) => Number(found.get(topic)?.[partition] ?? -1n);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#stopWatching();
    if (this.#rejoin !== null) clearTimeout(this.#rejoin);
    if (this.#topicCheck !== null) clearTimeout(this.#topicCheck);
    await this.#client.close(true);
  }

  #revoke(): void {
    if (this.#isRevoking || this.#isClosed) return;
    this.#isRevoking = true;
    this.#options.onRevoke();
  }

  #joined({ memberId, generationId, isLeader }: ConsumerGroupJoinPayload): void {
    if (this.#isClosed) return;
    this.#isRevoking = false;
    this.#isLeader = isLeader ?? false;
    this.#options.onAssigned({
      memberId,
      generationId: generationId ?? -1,
      partitions: (this.#client.assignments ?? []).flatMap(({ topic, partitions }) =>
        partitions.map((partition) => ({ topic, partition })),
      ),
    });
  }

  #joinFailed(error: unknown): void {
    if (this.#isClosed) return;
    const failure = toMyelinError(error, `Joining the group ${this.#options.group} failed`);
    if (!failure.retriable && !staleCodes.has(failure.code)) {
      this.#options.onFailure(failure);
      return;
    }
    this.#rejoin ??= setTimeout(() => {
      this.#rejoin = null;
      void this.#joinAgain();
    }, rejoinPauseMs);
  }

  async #joinAgain(): Promise<void> {
    if (this.#isJoiningAgain || this.#isClosed) return;
    this.#isJoiningAgain = true;
    let failure: unknown = null;
    try {
      await this.#client.joinGroup({});
    } catch (error) {
      failure = error;
    }
    this.#isJoiningAgain = false;
    if (failure !== null) this.#joinFailed(failure);
  }

  #checkTopicsLater(): void {
    if (!this.#isClosed)
      this.#topicCheck = setTimeout(() => void this.#checkTopics(), topicCheckMs);
  }

  /** Partitions added to a topic are given out by a rebalance, which the group's leader asks for. */
  async #checkTopics(): Promise<void> {
    try {
      const counts = await this.#countPartitions(true);
      const hasChanged = counts !== this.#partitionCounts;
      this.#partitionCounts = counts;
      if (hasChanged && this.#isLeader && !this.#isRevoking && !this.#isClosed) {
        this.#revoke();
        await this.#joinAgain();
      }
    } catch {
      // Asked again at the next turn; what ails the connection shows in heartbeats and fetches.
    }
    this.#checkTopicsLater();
  }

  async #countPartitions(forceUpdate: boolean): Promise<string> {
    const { topics } = this.#options;
    const { retries = 8 } = this.#options;
    const metadata = await topicMetadata(this.#client, topics, { forceUpdate, retries });
    return topics
      .map((topic) => `${topic}:${metadata.topics.get(topic)?.partitionsCount ?? 0}`)
      .join(",");
  }
}
