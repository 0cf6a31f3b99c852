import { extend } from "../../protocol/extension-fields.ts";
import { fetchRequest, fetchResponse } from "../../protocol/messages/fetch.ts";
import { errorNameOf } from "../../protocol/errors.ts";
import type { Infer } from "../../protocol/schema/message.ts";
import { int64, tagged, withDefault } from "../../protocol/schema/types.ts";
import type { LeaderAnswer } from "./follower-step.ts";

/** What a follower says besides what Kafka's would. */
export const askedByFollowers = {
  topics: {
    partitions: {
      /** Everything below is to go to the object store next: the follower's disk needs the room; -1: nothing. */
      pressedEnd: tagged(10_000, 12, withDefault(int64, -1)),
    },
  },
};

export const replicaFetchRequest = extend(fetchRequest, askedByFollowers);

/** What a leader tells its followers besides what Kafka's would. */
export const replicaFetchResponse = extend(fetchResponse, {
  responses: {
    partitions: {
      /** Everything below is in the object store; -1: nothing is, or the leader has yet to look. */
      tieredEnd: tagged(10_000, 12, withDefault(int64, -1)),
      /** The same of packs: from where on a new leader has to pack. */
      packedEnd: tagged(10_001, 12, withDefault(int64, -1)),
    },
  },
});

export type ReplicaFetchResponse = Infer<typeof replicaFetchResponse>;

type Answered = ReplicaFetchResponse["responses"][number]["partitions"][number];

/** What a leader says of one partition. */
export function answerOf(answered: Answered): LeaderAnswer {
  const error = errorNameOf(answered.errorCode);
  const { epoch, endOffset } = answered.divergingEpoch;
  return {
    error,
    highWatermark: answered.highWatermark,
    logStartOffset: answered.logStartOffset,
    tieredEnd: answered.tieredEnd,
    packedEnd: answered.packedEnd,
    diverging: endOffset < 0 ? null : { epoch, endOffset },
    recordsBytes: answered.records?.length ?? 0,
  };
}
