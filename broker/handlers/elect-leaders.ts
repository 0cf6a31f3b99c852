import { electLeaders as electLeadersCommand } from "../../metadata/commands/elect-leaders.ts";
import { errorCodes } from "../../protocol/errors.ts";
import {
  electLeadersRequest,
  electLeadersResponse,
} from "../../protocol/messages/elect-leaders.ts";
import type { BrokerServices } from "../services.ts";
import type { RequestContext } from "./kafka-api.ts";
import { kafkaApi } from "./kafka-api.ts";
import { itemError, submit } from "./submit.ts";

const preferred = 0;
const unclean = 1;

// v0 elects preferred leaders only (KIP-183). v1: unclean elections, an error for the whole request (KIP-460).
export const electLeaders = kafkaApi(
  electLeadersRequest,
  electLeadersResponse,
  { versions: [0, 2] },
  async (request, { services, clusterId, apiVersion }: RequestContext<BrokerServices>) => {
    const type = apiVersion === 0 ? preferred : request.electionType;
    if (type !== preferred && type !== unclean)
      return {
        throttleTimeMs: 0,
        errorCode: errorCodes.INVALID_REQUEST,
        replicaElectionResults: [],
      };
    const partitions =
      request.topicPartitions?.flatMap(({ topic, partitions: indexes }) =>
        indexes.map((index) => ({ topic, index })),
      ) ?? null;
    const submitted = await submit(services, (image, context) =>
      electLeadersCommand(
        image,
        {
          clusterId,
          electionType: type === unclean ? "unclean" : "preferred",
          partitions,
          ends: services.cell.observedEnds(),
          tieredEnds: services.cell.tieredEnds(),
        },
        context,
      ),
    );
    if (submitted.kind === "refused")
      return {
        throttleTimeMs: 0,
        errorCode: submitted.error.errorCode,
        replicaElectionResults: [],
      };
    // Asked for everything, those that needed nothing are not worth a line, as in Kafka.
    const told = submitted.result.filter(
      (outcome) =>
        partitions !== null || outcome.kind === "done" || outcome.error !== "ELECTION_NOT_NEEDED",
    );
    const byTopic = Map.groupBy(told, ({ topic }) => topic);
    return {
      throttleTimeMs: 0,
      errorCode: errorCodes.NONE,
      replicaElectionResults: Array.from(byTopic, ([topic, outcomes]) => ({
        topic,
        partitionResult: outcomes.map((outcome) => ({
          partitionId: outcome.index,
          ...itemError(outcome),
        })),
      })),
    };
  },
);
