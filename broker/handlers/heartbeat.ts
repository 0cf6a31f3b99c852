import { errorCodes } from "../../protocol/errors.ts";
import { heartbeatRequest, heartbeatResponse } from "../../protocol/messages/heartbeat.ts";
import { groupClientOf } from "./group-client.ts";
import type { GroupRequestContext } from "./group-client.ts";
import { kafkaApi } from "./kafka-api.ts";

// v3: static members (KIP-345) are fenced in groups/, not here.
export const heartbeat = kafkaApi(
  heartbeatRequest,
  heartbeatResponse,
  { versions: [0, 4] },
  async (request, context: GroupRequestContext) => {
    const error = await context.services.groups.heartbeat(request, groupClientOf(context));
    return { throttleTimeMs: 0, errorCode: errorCodes[error] };
  },
);
