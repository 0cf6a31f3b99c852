import { errorCodes } from "../../protocol/errors.ts";
import {
  offsetForLeaderEpochRequest,
  offsetForLeaderEpochResponse,
} from "../../protocol/messages/offset-for-leader-epoch.ts";
import type { BrokerServices } from "../services.ts";
import type { RequestContext } from "./kafka-api.ts";
import { kafkaApi } from "./kafka-api.ts";
import { checkLeader } from "../replication/leader-check.ts";

// Where an epoch ended (KIP-101, KIP-279): clients and followers find by it how far their log agrees with ours. v2: the epoch the client believes in.
export const offsetForLeaderEpoch = kafkaApi(
  offsetForLeaderEpochRequest,
  offsetForLeaderEpochResponse,
  { versions: [0, 4] },
  (request, { services, clusterId }: RequestContext<BrokerServices>) => ({
    throttleTimeMs: 0,
    topics: request.topics.map(({ topic: name, partitions }) => {
      const topic = services.topics.byName(clusterId, name);
      return {
        topic: name,
        partitions: partitions.map(({ partition: index, currentLeaderEpoch, leaderEpoch }) => {
          const checked = checkLeader(topic, index, currentLeaderEpoch);
          if (checked.kind === "refused") {
            return {
              errorCode: errorCodes[checked.error],
              partition: index,
              leaderEpoch: -1,
              endOffset: -1,
            };
          }
          const end = checked.partition.log.epochEndOffset(leaderEpoch);
          return {
            errorCode: errorCodes.NONE,
            partition: index,
            leaderEpoch: end.epoch,
            endOffset: end.endOffset,
          };
        }),
      };
    }),
  }),
);
