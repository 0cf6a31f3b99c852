import type { ErrorName } from "../../protocol/errors.ts";
import type { Random } from "../../ports/random.ts";
import type { CoordinatorRuntime } from "../coordinator/runtime.ts";
import type { CoordinatorError } from "../coordinator/state-machine.ts";
import type { GroupConfig } from "./group-config.ts";
import type { GroupShard } from "./group-shard.ts";
import type { GroupEntry } from "./kept.ts";
import type { TopicLookup } from "./topic-lookup.ts";

/** What the verbs of this room share. */
export type GroupContext = {
  readonly runtime: CoordinatorRuntime<GroupEntry, GroupShard>;
  readonly config: GroupConfig;
  readonly topics: TopicLookup;
  readonly random: Random;
};

/** Who asks, and how old its protocol is. */
export type GroupClient = {
  readonly clusterId: string;
  readonly clientId: string;
  /** As DescribeGroups shows it: "/127.0.0.1". */
  readonly clientHost: string;
  readonly apiVersion: number;
};

/** What group APIs answer when the group's record outgrows a batch: nothing a client knows better how to react to. */
export function errorOf(error: CoordinatorError): ErrorName {
  return error === "RECORD_LIST_TOO_LARGE" ? "UNKNOWN_SERVER_ERROR" : error;
}
