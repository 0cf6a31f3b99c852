import { ensureInternalTopic } from "../../metadata/commands/ensure-internal-topic.ts";
import { internalTopic } from "../../metadata/image/image.ts";
import { errorCodes, errorMessage } from "../../protocol/errors.ts";
import type { ErrorName } from "../../protocol/errors.ts";
import {
  findCoordinatorRequest,
  findCoordinatorResponse,
} from "../../protocol/messages/find-coordinator.ts";
import { groupTopicName } from "../groups/groups.ts";
import type { GroupRequestContext } from "./group-client.ts";
import { kafkaApi } from "./kafka-api.ts";
import { submit } from "./submit.ts";
import { endpointOf } from "./topic-description.ts";

const keyTypes = { group: 0, transaction: 1 } as const;

type Coordinator = {
  key: string;
  nodeId: number;
  host: string;
  port: number;
  errorCode: number;
  errorMessage: string | null;
};

// v1: key types and messages. v4: many keys, each with its error (KIP-699). v5: transactions' newer errors. v6: share groups, which only brokers ask for. The
// coordinator of a group is the leader of its partition of __consumer_offsets, which is created when first asked for.
export const findCoordinator = kafkaApi(
  findCoordinatorRequest,
  findCoordinatorResponse,
  { versions: [0, 6] },
  async (request, context: GroupRequestContext) => {
    const keys = context.apiVersion >= 4 ? request.coordinatorKeys : [request.key];
    if (request.keyType === keyTypes.group) await makeGroupTopic(context);
    const coordinators = keys.map((key) => coordinatorOf(key, request.keyType, context));
    if (context.apiVersion >= 4) return { throttleTimeMs: 0, coordinators };
    const { key: _key, ...only } = coordinators[0] ?? failed("", "INVALID_REQUEST");
    return { throttleTimeMs: 0, ...only };
  },
);

async function makeGroupTopic({ services }: GroupRequestContext): Promise<void> {
  if (internalTopic(services.metadata.image, groupTopicName) !== undefined) return;
  const made = await submit(services, (image, commandContext) =>
    ensureInternalTopic(image, { name: groupTopicName }, commandContext),
  );
  if (made.kind === "refused")
    services.log.warn(
      "the topic of consumer offsets could not be created; clients will ask again",
      {
        why: made.error.errorMessage,
      },
    );
}

function coordinatorOf(key: string, keyType: number, context: GroupRequestContext): Coordinator {
  // Final, so that a transactional producer says so at once instead of asking for a minute.
  if (keyType === keyTypes.transaction)
    return failed(
      key,
      "TRANSACTIONAL_ID_AUTHORIZATION_FAILED",
      "Transactions are not served by this version.",
    );
  if (keyType !== keyTypes.group) return failed(key, "INVALID_REQUEST");
  const { services, clusterId } = context;
  const { image } = services.metadata;
  const cluster = image.clusters.get(clusterId);
  const partition = services.groups.partitionOf(clusterId, key);
  const leaderId = internalTopic(image, groupTopicName)?.partitions[partition]?.leader ?? -1;
  const leader = image.brokers.get(leaderId);
  if (cluster === undefined || leader === undefined || leader.state === "fenced")
    return failed(key, "COORDINATOR_NOT_AVAILABLE");
  const { nodeId, host, port } = endpointOf(leader, cluster);
  return { key, nodeId, host, port, errorCode: errorCodes.NONE, errorMessage: null };
}

function failed(key: string, error: ErrorName, message = errorMessage(error)): Coordinator {
  return {
    key,
    nodeId: -1,
    host: "",
    port: -1,
    errorCode: errorCodes[error],
    errorMessage: message,
  };
}
