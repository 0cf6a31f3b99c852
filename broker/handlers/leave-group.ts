import { errorCodes } from "../../protocol/errors.ts";
import { leaveGroupRequest, leaveGroupResponse } from "../../protocol/messages/leave-group.ts";
import { groupClientOf } from "./group-client.ts";
import type { GroupRequestContext } from "./group-client.ts";
import { kafkaApi } from "./kafka-api.ts";

// v3: several members at once, static ones by instance id (KIP-345); before, the one member's error is the response's.
export const leaveGroup = kafkaApi(
  leaveGroupRequest,
  leaveGroupResponse,
  { versions: [0, 5] },
  async (request, context: GroupRequestContext) => {
    const isBatch = context.apiVersion >= 3;
    const members = isBatch
      ? request.members
      : [{ memberId: request.memberId, groupInstanceId: null, reason: null }];
    const reply = await context.services.groups.leaveGroup(
      { groupId: request.groupId, members },
      groupClientOf(context),
    );
    const error =
      isBatch || reply.error !== "NONE" ? reply.error : (reply.members[0]?.error ?? "NONE");
    return {
      throttleTimeMs: 0,
      errorCode: errorCodes[error],
      members: reply.members.map(({ memberId, groupInstanceId, error: memberError }) => ({
        memberId,
        groupInstanceId,
        errorCode: errorCodes[memberError],
      })),
    };
  },
);
