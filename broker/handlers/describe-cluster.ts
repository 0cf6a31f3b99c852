import { errorCodes } from "../../protocol/errors.ts";
import {
  describeClusterRequest,
  describeClusterResponse,
} from "../../protocol/messages/describe-cluster.ts";
import type { BrokerServices } from "../services.ts";
import type { RequestContext } from "./kafka-api.ts";
import { kafkaApi } from "./kafka-api.ts";
import { allClusterOperations, endpointOf, operationsNotRequested } from "./topic-description.ts";

/** KIP-919. There are no controllers apart from brokers here. */
const brokerEndpoints = 1;
const controllerEndpoints = 2;

// v1: endpoint types. v2: fenced brokers on request (KIP-1073).
export const describeCluster = kafkaApi(
  describeClusterRequest,
  describeClusterResponse,
  { versions: [0, 2] },
  (request, { services, clusterId, apiVersion }: RequestContext<BrokerServices>) => {
    const { image } = services.metadata;
    const cluster = image.clusters.get(clusterId);
    const endpointType = apiVersion >= 1 ? request.endpointType : brokerEndpoints;
    const refused = refusal(endpointType);
    if (cluster === undefined || refused !== null) {
      const error = refused ?? unknownCluster;
      return { throttleTimeMs: 0, ...error, endpointType, clusterId, brokers: [] };
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

/** The listener is about to close with its cluster. */
const unknownCluster = {
  errorCode: errorCodes.UNKNOWN_SERVER_ERROR,
  errorMessage: "The cluster is gone.",
};

function refusal(endpointType: number) {
  if (endpointType === brokerEndpoints) return null;
  const errorMessage = "This listener leads to brokers; there are no controller listeners.";
  return endpointType === controllerEndpoints
    ? { errorCode: errorCodes.MISMATCHED_ENDPOINT_TYPE, errorMessage }
    : { errorCode: errorCodes.UNSUPPORTED_ENDPOINT_TYPE, errorMessage };
}
