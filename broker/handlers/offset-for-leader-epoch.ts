import { errorCodes } from "../../protocol/errors.ts";
import type { OffsetForLeaderEpochRequest } from "../../protocol/messages/offset-for-leader-epoch.ts";
import {
  offsetForLeaderEpochRequest,
  offsetForLeaderEpochResponse,
} from "../../protocol/messages/offset-for-leader-epoch.ts";
import type { BrokerServices } from "../services.ts";
import type { RequestContext } from "./kafka-api.ts";
import { kafkaApi } from "./kafka-api.ts";
import { checkLeader } from "../replication/leader-check.ts";
import type { LocalTopic } from "../replication/topic-table.ts";
import { lookForUnknown } from "./submit.ts";

// Where an epoch ended (KIP-101, KIP-279): clients and followers find by it how far their log agrees with ours. v2: the epoch the client believes in.
export const offsetForLeaderEpoch = kafkaApi(
  offsetForLeaderEpochRequest,
  offsetForLeaderEpochResponse,
  { versions: [0, 4] },
  async (request, { services, clusterId }: RequestContext<BrokerServices>) => {
    const { topics } = services;
    if (request.topics.some(({ topic }) => topics.byName(clusterId, topic) === undefined))
      await lookForUnknown(services);
    return {
      throttleTimeMs: 0,
      topics: request.topics.map(({ topic: name, partitions }) => {
        const topic = topics.byName(clusterId, name);
        return { topic: name, partitions: partitions.map((asked) => answerFor(topic, asked)) };
      }),
    };
  },
);

type Asked = OffsetForLeaderEpochRequest["topics"][number]["partitions"][number];

function answerFor(topic: LocalTopic | undefined, asked: Asked) {
  const { partition, currentLeaderEpoch, leaderEpoch } = asked;
  const checked = checkLeader(topic, partition, currentLeaderEpoch);
  if (checked.kind === "refused")
    return { errorCode: errorCodes[checked.error], partition, leaderEpoch: -1, endOffset: -1 };
  const { epoch, endOffset } = checked.partition.log.epochEndOffset(leaderEpoch);
  return { errorCode: errorCodes.NONE, partition, leaderEpoch: epoch, endOffset };
}
