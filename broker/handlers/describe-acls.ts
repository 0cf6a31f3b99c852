import { errorCodes, errorMessage } from "../../protocol/errors.ts";
import {
  describeAclsRequest,
  describeAclsResponse,
} from "../../protocol/messages/describe-acls.ts";
import { kafkaApi } from "./kafka-api.ts";

// Versions 0-3. Without an authorizer Kafka answers so too; tools that mirror ACLs (MirrorMaker 2) understand it.
export const describeAcls = kafkaApi(
  describeAclsRequest,
  describeAclsResponse,
  { versions: [0, 3] },
  () => ({
    throttleTimeMs: 0,
    errorCode: errorCodes.SECURITY_DISABLED,
    errorMessage: errorMessage("SECURITY_DISABLED"),
    resources: [],
  }),
);
