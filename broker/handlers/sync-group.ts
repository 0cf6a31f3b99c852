import { errorCodes } from "../../protocol/errors.ts";
import { syncGroupRequest, syncGroupResponse } from "../../protocol/messages/sync-group.ts";
import { groupClientOf } from "./group-client.ts";
import type { GroupRequestContext } from "./group-client.ts";
import { kafkaApi } from "./kafka-api.ts";

// v3: static members (KIP-345). v5: the protocol, checked and told (KIP-559). Answered when the leader's assignment is committed to the log.
export const syncGroup = kafkaApi(
  syncGroupRequest,
  syncGroupResponse,
  { versions: [0, 5] },
  async (request, context: GroupRequestContext) => {
    const answer = context.services.groups.syncGroup(request, groupClientOf(context));
    // The coordinator has copied what it keeps; the wait may be minutes.
    context.releaseFrame();
    const { error, ...reply } = await answer;
    return { throttleTimeMs: 0, errorCode: errorCodes[error], ...reply };
  },
);
