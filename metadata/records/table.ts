import {
  brokerEvacuationRecord,
  brokerRecord,
  brokerStateRecord,
  brokerUnregisteredRecord,
} from "./broker.ts";
import {
  cellSleepRecord,
  controllerRecord,
  countersRecord,
  genesisRecord,
  levelRecord,
} from "./cell.ts";
import {
  clusterDefaultsRecord,
  clusterDeletedRecord,
  clusterRecord,
  epochFloorRecord,
} from "./cluster.ts";
import { MetadataDecodeError } from "./field-types.ts";
import { idempotencyExpiredRecord, idempotencyKeyRecord } from "./idempotency.ts";
import { membershipChangedRecord } from "./membership.ts";
import { partitionsAddedRecord, partitionsChangedRecord } from "./partition.ts";
import { producerIdsRecord } from "./producer-ids.ts";
import { answerRecord, questionRecord } from "./question.ts";
import type { RecordOf } from "./record-kind.ts";
import {
  topicConfigsRecord,
  topicDeletedRecord,
  topicPurgedRecord,
  topicPurgingRecord,
  topicRecord,
  topicReplicationRecord,
} from "./topic.ts";

/** Every kind of record. A new one is a file (or a line in its family's), a line here and a case in image/apply.ts. */
export const recordKinds = [
  genesisRecord,
  levelRecord,
  controllerRecord,
  countersRecord,
  cellSleepRecord,
  questionRecord,
  answerRecord,
  clusterRecord,
  clusterDefaultsRecord,
  clusterDeletedRecord,
  epochFloorRecord,
  topicRecord,
  partitionsAddedRecord,
  partitionsChangedRecord,
  membershipChangedRecord,
  topicConfigsRecord,
  topicDeletedRecord,
  topicPurgingRecord,
  topicPurgedRecord,
  topicReplicationRecord,
  brokerRecord,
  brokerStateRecord,
  brokerUnregisteredRecord,
  brokerEvacuationRecord,
  producerIdsRecord,
  idempotencyKeyRecord,
  idempotencyExpiredRecord,
] as const;

export type MetadataRecord = RecordOf<(typeof recordKinds)[number]>;

/**
 * Metadata levels this code reads and writes. 2: moves of replicas, recoveries, seals, lost brokers. 3: brokers that are emptied. 4: elections by position.
 * 5: questions of brokers that hear nobody. 6: a cell that sleeps.
 */
export const minMetadataLevel = 1;
export const maxMetadataLevel = 6;

const byName = new Map<string, (typeof recordKinds)[number]>(
  recordKinds.map((kind) => [kind.name, kind]),
);
const byCode = new Map<unknown, (typeof recordKinds)[number]>(
  recordKinds.map((kind) => [kind.code, kind]),
);

export function encodeRecord(record: MetadataRecord, level: number): unknown[] {
  const kind = byName.get(record.kind);
  if (kind === undefined) throw new Error(`no record kind ${record.kind}`);
  return kind.encode(record, level);
}

export function decodeRecord(wire: unknown, level: number): MetadataRecord {
  if (!Array.isArray(wire)) throw new MetadataDecodeError("corrupt", "a record is not an array");
  const kind = byCode.get(wire[0]);
  if (kind === undefined) {
    throw new MetadataDecodeError("unknown", `unknown kind of metadata record: ${String(wire[0])}`);
  }
  return kind.decode(wire, level);
}
