import { refusesRecords } from "../../metadata/image/seals.ts";
import type { ErrorName } from "../../protocol/errors.ts";
import { errorCodes } from "../../protocol/errors.ts";
import {
  deleteRecordsRequest,
  deleteRecordsResponse,
} from "../../protocol/messages/delete-records.ts";
import type { LocalTopic } from "../replication/topic-table.ts";
import type { BrokerServices } from "../services.ts";
import type { RequestContext } from "./kafka-api.ts";
import { kafkaApi } from "./kafka-api.ts";
import { moveLogStartEverywhere } from "../cold/move-log-start.ts";
import { checkLeader } from "../replication/leader-check.ts";
import { lookForUnknown } from "./submit.ts";

/** The request's offset that means "everything that is committed". */
const highWatermarkOffset = -1;

type Outcome = { error: ErrorName; lowWatermark: number };

// Versions 0-2 (KIP-107): moves the log start; answered once that is as durable as a record of the topic.
export const deleteRecords = kafkaApi(
  deleteRecordsRequest,
  deleteRecordsResponse,
  { versions: [0, 2] },
  async (request, { services, clusterId }: RequestContext<BrokerServices>) => {
    if (request.topics.some(({ name }) => services.topics.byName(clusterId, name) === undefined))
      await lookForUnknown(services);
    const topics = await Promise.all(
      request.topics.map(async ({ name, partitions }) => {
        const topic = services.topics.byName(clusterId, name);
        const answers = await Promise.all(
          partitions.map(async ({ partitionIndex, offset }) => {
            const { error, lowWatermark } = await deleteBelow(services, topic, {
              index: partitionIndex,
              offset,
            });
            return { partitionIndex, lowWatermark, errorCode: errorCodes[error] };
          }),
        );
        return { name, partitions: answers };
      }),
    );
    return { throttleTimeMs: 0, topics };
  },
);

async function deleteBelow(
  { tierWriter, metadata }: BrokerServices,
  topic: LocalTopic | undefined,
  { index, offset }: { readonly index: number; readonly offset: number },
): Promise<Outcome> {
  const refuse = (error: ErrorName): Outcome => ({ error, lowWatermark: -1 });
  const checked = checkLeader(topic, index);
  if (checked.kind === "refused") return refuse(checked.error);
  // Kafka: a topic that is only compacted keeps the newest record of every key, so nobody may cut it.
  if (topic !== undefined && !topic.settings.isDeletedByRetention)
    return refuse("POLICY_VIOLATION");
  const { partition } = checked;
  const { log } = partition;
  const start = offset === highWatermarkOffset ? log.highWatermark : offset;
  if (start < 0 || start > log.highWatermark) return refuse("OFFSET_OUT_OF_RANGE");
  // Whoever begins at its seal would not know of it: nor of a move that was under way when it was sealed.
  const mayBeSealed = (): boolean =>
    refusesRecords(metadata.image, metadata.image.topics.get(log.topicId)?.partitions[index]);
  if (mayBeSealed()) return refuse("KAFKA_STORAGE_ERROR");
  if (!(await moveLogStartEverywhere(tierWriter, partition, start)) || mayBeSealed())
    return refuse("KAFKA_STORAGE_ERROR");
  return { error: "NONE", lowWatermark: log.logStartOffset };
}
