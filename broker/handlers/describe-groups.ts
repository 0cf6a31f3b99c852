import { errorCodes } from "../../protocol/errors.ts";
import {
  describeGroupsRequest,
  describeGroupsResponse,
} from "../../protocol/messages/describe-groups.ts";
import { kafkaApi } from "./kafka-api.ts";
import type { GroupRequestContext } from "./group-client.ts";
import { operationsNotRequested } from "./topic-description.ts";

/** READ, DELETE, DESCRIBE, DESCRIBE_CONFIGS, ALTER_CONFIGS as the bits of Kafka's AclOperation codes: without an authorizer all are allowed. */
const allGroupOperations = (1 << 3) | (1 << 6) | (1 << 8) | (1 << 10) | (1 << 11);

// v3: authorized operations. v4: static members. v6: an unknown group is an error (KIP-1043); before, it is a group in state Dead.
export const describeGroups = kafkaApi(
  describeGroupsRequest,
  describeGroupsResponse,
  { versions: [0, 6] },
  async (request, context: GroupRequestContext) => ({
    throttleTimeMs: 0,
    groups: await Promise.all(
      // Once each: a small request that repeats a large group would otherwise fill the memory.
      [...new Set(request.groups)].map(async (groupId) => ({
        ...(await describe(groupId, context)),
        groupId,
        authorizedOperations: request.includeAuthorizedOperations
          ? allGroupOperations
          : operationsNotRequested,
      })),
    ),
  }),
);

async function describe(groupId: string, { services, clusterId, apiVersion }: GroupRequestContext) {
  const { error, group } = await services.groups.describeGroup(clusterId, groupId);
  const nothing = {
    errorMessage: null,
    groupState: "",
    protocolType: "",
    protocolData: "",
    members: [],
  };
  if (error !== "NONE") return { ...nothing, errorCode: errorCodes[error] };
  if (group === null)
    return apiVersion >= 6
      ? {
          ...nothing,
          errorCode: errorCodes.GROUP_ID_NOT_FOUND,
          errorMessage: `Group ${groupId} not found.`,
          groupState: "Dead",
        }
      : { ...nothing, errorCode: errorCodes.NONE, groupState: "Dead" };
  return {
    errorCode: errorCodes.NONE,
    errorMessage: null,
    groupState: group.state,
    protocolType: group.protocolType,
    protocolData: group.protocolName,
    members: group.members.map(({ metadata, assignment, ...member }) => ({
      ...member,
      memberMetadata: metadata,
      memberAssignment: assignment,
    })),
  };
}
