import { errorCodes, errorMessage } from "../../protocol/errors.ts";
import { createAclsRequest, createAclsResponse } from "../../protocol/messages/create-acls.ts";
import { kafkaApi } from "./kafka-api.ts";

// Versions 0-3: every creation is refused while there is no authorizer.
export const createAcls = kafkaApi(
  createAclsRequest,
  createAclsResponse,
  { versions: [0, 3] },
  ({ creations }) => ({
    throttleTimeMs: 0,
    results: creations.map(() => ({
      errorCode: errorCodes.SECURITY_DISABLED,
      errorMessage: errorMessage("SECURITY_DISABLED"),
    })),
  }),
);
