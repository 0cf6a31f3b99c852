import { errorCodes } from "../../protocol/errors.ts";
import {
  describeClusterRequest,
  describeClusterResponse,
} from "../../protocol/messages/describe-cluster.ts";
import type { BrokerServices } from "../services.ts";
import type { RequestContext } from "./kafka-api.ts";
import { kafkaApi } from "./kafka-api.ts";
import { allClusterOperations, endpointOf, operationsNotRequested } from "./topic-description.ts";

/** KIP-919: brokers are endpoint type 1, controllers 2; there are no controllers apart from brokers here. */
const brokerEndpoints = 1;

// v1: endpoint types. v2: fenced brokers on request (KIP-1073).
export const describeCluster = kafkaApi(
  describeClusterRequest,
  describeClusterResponse,
  { versions: [0, 2] },
  (request, { services, clusterId, apiVersion }: RequestContext<BrokerServices>) => {
    const { image } = services.metadata;
    const cluster = image.clusters.get(clusterId);
    const endpointType = apiVersion >= 1 ? request.endpointType : brokerEndpoints;
    if (cluster === undefined || endpointType !== brokerEndpoints) {
      const errorCode =
        cluster === undefined
          ? errorCodes.UNKNOWN_SERVER_ERROR
          : errorCodes.MISMATCHED_ENDPOINT_TYPE;
      const errorMessage = "This listener leads to brokers; there are no controller listeners.";
      return {
        throttleTimeMs: 0,
        errorCode,
        errorMessage,
        endpointType: brokerEndpoints,
        clusterId,
        controllerId: -1,
        brokers: [],
      };
    }
    const shown = [...image.brokers.values()].filter(
      ({ state }) => state !== "fenced" || request.includeFencedBrokers,
    );
    return {
      throttleTimeMs: 0,
      errorCode: errorCodes.NONE,
      errorMessage: null,
      endpointType: brokerEndpoints,
      clusterId,
      controllerId: services.brokerId,
      brokers: shown.map((broker) => {
        const { nodeId, host, port, rack } = endpointOf(broker, cluster);
        return { brokerId: nodeId, host, port, rack, isFenced: broker.state === "fenced" };
      }),
      clusterAuthorizedOperations: request.includeClusterAuthorizedOperations
        ? allClusterOperations
        : operationsNotRequested,
    };
  },
);
