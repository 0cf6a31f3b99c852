import { errorCodes, errorMessage } from "../../protocol/errors.ts";
import { deleteAclsRequest, deleteAclsResponse } from "../../protocol/messages/delete-acls.ts";
import { kafkaApi } from "./kafka-api.ts";

// Versions 0-3: every filter is refused while there is no authorizer.
export const deleteAcls = kafkaApi(
  deleteAclsRequest,
  deleteAclsResponse,
  { versions: [0, 3] },
  ({ filters }) => ({
    throttleTimeMs: 0,
    filterResults: filters.map(() => ({
      errorCode: errorCodes.SECURITY_DISABLED,
      errorMessage: errorMessage("SECURITY_DISABLED"),
      matchingAcls: [],
    })),
  }),
);
