import { array, int, string, stringMap } from "./field-types.ts";
import { partitionType } from "./partition.ts";
import { recordKind } from "./record-kind.ts";

export const topicRecord = recordKind("topic", 20, {
  topicId: string,
  clusterId: string,
  name: string,
  configs: stringMap,
  /** What was asked for; -1 leaves it to the cell, which grows the topic to three replicas as brokers come. */
  requestedReplicationFactor: int,
  createdAtMs: int,
  /** Revision of the entry that last changed name, configs or partition count: what an ETag is made of. */
  revision: int,
  partitions: array(partitionType),
});

/** The topic's own settings, all of them: those not named are back at their defaults. */
export const topicConfigsRecord = recordKind("topicConfigs", 23, {
  topicId: string,
  configs: stringMap,
});

/** How many replicas the topic is to have, where that has changed since it was created. */
export const topicReplicationRecord = recordKind(
  "topicReplication",
  27,
  { topicId: string, requestedReplicationFactor: int },
  { since: 2 },
);

/** The topic is gone for clients; its id stays known as purging until its data is gone too. */
export const topicDeletedRecord = recordKind("topicDeleted", 24, {
  topicId: string,
  deletedAtMs: int,
});

/** A deleted topic whose data is still to be removed, as snapshots hold it. */
export const topicPurgingRecord = recordKind("topicPurging", 25, {
  topicId: string,
  clusterId: string,
  name: string,
  partitionCount: int,
  /** Brokers that held replicas and may hold data. */
  brokerIds: array(int),
  deletedAtMs: int,
});

export const topicPurgedRecord = recordKind("topicPurged", 26, { topicId: string });
