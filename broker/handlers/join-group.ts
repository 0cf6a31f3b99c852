import { errorCodes } from "../../protocol/errors.ts";
import { joinGroupRequest, joinGroupResponse } from "../../protocol/messages/join-group.ts";
import { groupClientOf } from "./group-client.ts";
import type { GroupRequestContext } from "./group-client.ts";
import { kafkaApi } from "./kafka-api.ts";

// v1: rebalance timeout. v4: member ids are handed out first (KIP-394). v5: static members (KIP-345). v9: skipped assignments (KIP-814). Answered when
// the group's rebalance is over.
export const joinGroup = kafkaApi(
  joinGroupRequest,
  joinGroupResponse,
  { versions: [0, 9] },
  async (request, context: GroupRequestContext) => {
    const answer = context.services.groups.joinGroup(request, groupClientOf(context));
    // The coordinator has copied what it keeps; the wait may be minutes.
    context.releaseFrame();
    const { error, ...reply } = await answer;
    return {
      throttleTimeMs: 0,
      errorCode: errorCodes[error],
      ...reply,
      // Null came with v7 (KIP-559).
      protocolName: reply.protocolName ?? (context.apiVersion >= 7 ? null : ""),
    };
  },
);
