import type { Construct } from "constructs";

/**
 * Whether the app is deployed to an emulator of AWS (`-c emulated=1`). Left out then is what the one that the end-to-end test uses has no answer for:
 * rules between security groups, and CDK's own function that empties buckets. Tests of the templates hold both.
 */
export function isEmulated(scope: Construct): boolean {
  const given: unknown = scope.node.tryGetContext("emulated");
  return given !== undefined && given !== "0" && given !== "false" && given !== false;
}
