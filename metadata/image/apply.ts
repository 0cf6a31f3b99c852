import type { MetadataRecord } from "../records/table.ts";
import {
  applyBroker,
  applyBrokerEvacuation,
  applyBrokerState,
  applyBrokerUnregistered,
  applyCellSleep,
  applyController,
  applyCounters,
  applyGenesis,
  applyIdempotencyExpired,
  applyIdempotencyKey,
  applyProducerIds,
} from "./apply-cell.ts";
import { applyCluster, applyClusterDefaults, applyClusterDeleted } from "./apply-clusters.ts";
import { applyAnswer, applyQuestion } from "./apply-questions.ts";
import {
  applyMembershipChanged,
  applyPartitionsAdded,
  applyPartitionsChanged,
  applyTopic,
  applyTopicConfigs,
  applyTopicDeleted,
  applyTopicPurged,
  applyTopicPurging,
  applyTopicReplication,
} from "./apply-topics.ts";
import type { MetadataChange } from "./changes.ts";
import type { Image } from "./image.ts";
import { mutable } from "./mutable-image.ts";
import type { MutableImage } from "./mutable-image.ts";

type AppliedEntry = {
  readonly revision: number;
  readonly hash: string;
  readonly records: readonly MetadataRecord[];
};

/**
 * Applies one entry in place and says what changed. It decides nothing. A record that does not fit the image throws MetadataDecodeError
 * ("corrupt") and leaves the image half changed: load it anew.
 */
export function applyEntry(image: Image, entry: AppliedEntry): MetadataChange[] {
  const target = mutable(image);
  const changes = entry.records.flatMap((record) => applyRecord(target, record, entry.revision));
  target.revision = entry.revision;
  target.entryHash = entry.hash;
  return changes;
}

function applyRecord(
  image: MutableImage,
  record: MetadataRecord,
  revision: number,
): MetadataChange[] {
  switch (record.kind) {
    case "genesis":
      return applyGenesis(image, record);
    case "level":
      image.level = record.level;
      return [{ kind: "levelChanged" }];
    case "controller":
      return applyController(image, record);
    case "cellSleep":
      return applyCellSleep(image, record);
    case "question":
      applyQuestion(image, record);
      return [];
    case "answer":
      applyAnswer(image, record);
      return [];
    case "counters":
      applyCounters(image, record);
      return [];
    case "cluster":
      return applyCluster(image, record);
    case "clusterDefaults":
      return applyClusterDefaults(image, record, revision);
    case "clusterDeleted":
      return applyClusterDeleted(image, record);
    case "epochFloor":
      image.epochFloors.set(record.clusterId, record.epoch);
      return [];
    case "topic":
      return applyTopic(image, record);
    case "partitionsAdded":
      return applyPartitionsAdded(image, record, revision);
    case "partitionsChanged":
      return applyPartitionsChanged(image, record);
    case "membershipChanged":
      return applyMembershipChanged(image, record);
    case "topicConfigs":
      return applyTopicConfigs(image, record, revision);
    case "topicReplication":
      return applyTopicReplication(image, record, revision);
    case "topicDeleted":
      return applyTopicDeleted(image, record);
    case "topicPurging":
      return applyTopicPurging(image, record);
    case "topicPurged":
      return applyTopicPurged(image, record);
    case "broker":
      return applyBroker(image, record);
    case "brokerState":
      return applyBrokerState(image, record);
    case "brokerEvacuation":
      return applyBrokerEvacuation(image, record);
    case "brokerUnregistered":
      return applyBrokerUnregistered(image, record);
    case "producerIds":
      applyProducerIds(image, record);
      return [];
    case "idempotencyKey":
      applyIdempotencyKey(image, record);
      return [];
    case "idempotencyExpired":
      applyIdempotencyExpired(image, record);
      return [];
  }
}
