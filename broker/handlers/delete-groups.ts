import { errorCodes, errorMessage } from "../../protocol/errors.ts";
import {
  deleteGroupsRequest,
  deleteGroupsResponse,
} from "../../protocol/messages/delete-groups.ts";
import type { GroupRequestContext } from "./group-client.ts";
import { kafkaApi } from "./kafka-api.ts";

// v3: a message for each group that could not be deleted. A group with members is NON_EMPTY_GROUP.
export const deleteGroups = kafkaApi(
  deleteGroupsRequest,
  deleteGroupsResponse,
  { versions: [0, 3] },
  async (request, context: GroupRequestContext) => {
    const { services, clusterId } = context;
    const groupIds = [...new Set(request.groupsNames)];
    const results = groupIds.map(async (groupId) => {
      const error = await services.groups.deleteGroup(clusterId, groupId);
      return {
        groupId,
        errorCode: errorCodes[error],
        errorMessage: error === "NONE" ? null : errorMessage(error),
      };
    });
    return { throttleTimeMs: 0, results: await Promise.all(results) };
  },
);
