import type {
  AlterPartitionErrorCode,
  AlterPartitionOutcome,
  AlterPartitionRequest,
} from "../../metadata/commands/alter-partition.ts";
import type { Partition } from "../../metadata/image/image.ts";
import { errorCodes, errorNameOf } from "../../protocol/errors.ts";
import { extend } from "../../protocol/extension-fields.ts";
import type {
  AlterPartitionResponse,
  alterPartitionResponse,
} from "../../protocol/messages/alter-partition.ts";
import { alterPartitionRequest as kafkaRequest } from "../../protocol/messages/alter-partition.ts";
import type { Encodable, Infer } from "../../protocol/schema/message.ts";
import { array, int32, tagged } from "../../protocol/schema/types.ts";

// AlterPartition between brokers of one cell (KIP-497, KIP-903): a leader's proposals on their way to the controller, and back.

/** With the replicas whose disks went back while they ran, which Kafka has no place for (replication.md L3). */
export const alterPartitionRequest = extend(kafkaRequest, {
  topics: { partitions: { distrustedReplicas: tagged(10_000, 3, array(int32)) } },
});

/** The first version with the broker epochs of the members; older ones are not spoken here. */
export const alterPartitionVersion = 3;

type WireRequest = Infer<typeof alterPartitionRequest>;

export function toWire({ brokerId, brokerEpoch, partitions }: AlterPartitionRequest) {
  const byTopic = Map.groupBy(partitions, ({ topicId }) => topicId);
  return {
    brokerId,
    brokerEpoch,
    topics: Array.from(byTopic, ([topicId, proposals]) => ({
      topicId,
      partitions: proposals.map(({ index, leaderEpoch, partitionEpoch, isr, distrusted = [] }) => ({
        partitionIndex: index,
        leaderEpoch,
        partitionEpoch,
        newIsrWithEpochs: isr.map((member) => ({ ...member })),
        distrustedReplicas: [...distrusted],
      })),
    })),
  };
}

export function fromWire({ brokerId, brokerEpoch, topics }: WireRequest): AlterPartitionRequest {
  const partitions = topics.flatMap(({ topicId, partitions: proposals }) =>
    proposals.map((each) => ({
      topicId,
      index: each.partitionIndex,
      leaderEpoch: each.leaderEpoch,
      partitionEpoch: each.partitionEpoch,
      isr: each.newIsrWithEpochs,
      distrusted: each.distrustedReplicas,
    })),
  );
  return { brokerId, brokerEpoch, partitions };
}

export function answerToWire(
  outcome: AlterPartitionOutcome,
): Encodable<typeof alterPartitionResponse> {
  if (outcome.kind === "rejected")
    return { throttleTimeMs: 0, errorCode: errorCodes[outcome.error], topics: [] };
  const byTopic = Map.groupBy(outcome.partitions, ({ topicId }) => topicId);
  return {
    throttleTimeMs: 0,
    errorCode: errorCodes.NONE,
    topics: Array.from(byTopic, ([topicId, altered]) => ({
      topicId,
      partitions: altered.map(({ index, error, partition }) => ({
        partitionIndex: index,
        errorCode: errorCodes[error ?? "NONE"],
        leaderId: partition?.leader ?? -1,
        leaderEpoch: partition?.leaderEpoch ?? -1,
        isr: [...(partition?.isr ?? [])],
        partitionEpoch: partition?.partitionEpoch ?? -1,
      })),
    })),
  };
}

/** What became of one proposal. `partition` is what a leader needs to know of its state. */
export type IsrAnswer = {
  readonly error: AlterPartitionErrorCode | null;
  readonly partition: Pick<Partition, "isr" | "partitionEpoch"> | null;
};

/** The controller's answers in the order of what was asked. Throws where it refused all of it: it is none, or this broker is not what it was. */
export function answersFromWire(
  request: AlterPartitionRequest,
  { errorCode, topics }: AlterPartitionResponse,
): IsrAnswer[] {
  const whole = errorNameOf(errorCode);
  if (whole !== "NONE") throw new Error(`AlterPartition is answered ${whole}`);
  const answered = new Map(
    topics.flatMap(({ topicId, partitions }) =>
      partitions.map((each) => [`${each.partitionIndex}:${topicId}`, each] as const),
    ),
  );
  return request.partitions.map(({ topicId, index }): IsrAnswer => {
    const each = answered.get(`${index}:${topicId}`);
    if (each === undefined) return { error: "OPERATION_NOT_ATTEMPTED", partition: null };
    const name = errorNameOf(each.errorCode);
    const { isr, partitionEpoch } = each;
    if (name === "NONE") return { error: null, partition: { isr, partitionEpoch } };
    return { error: name as AlterPartitionErrorCode, partition: null };
  });
}
