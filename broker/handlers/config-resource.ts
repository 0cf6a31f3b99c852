import type { ConfigResource } from "../../metadata/commands/alter-configs.ts";
import { errorCodes } from "../../protocol/errors.ts";
import { resourceTypes } from "./config-entries.ts";
import type { ItemError } from "./submit.ts";

/** What the alter APIs may change: a topic's settings, or the whole cluster's defaults (a broker resource without a name). */
export function alterableResource(
  resourceType: number,
  resourceName: string,
): { kind: "resource"; resource: ConfigResource } | { kind: "refused"; error: ItemError } {
  if (resourceType === resourceTypes.topic)
    return { kind: "resource", resource: { kind: "topic", name: resourceName } };
  if (resourceType === resourceTypes.broker && resourceName === "") {
    return { kind: "resource", resource: { kind: "clusterDefaults" } };
  }
  const errorMessage =
    resourceType === resourceTypes.broker
      ? "Settings of a single broker cannot be changed while it runs; leave the name empty to change them for the whole cluster."
      : `Settings of resource type ${resourceType} cannot be changed here.`;
  return { kind: "refused", error: { errorCode: errorCodes.INVALID_REQUEST, errorMessage } };
}
