import { CfnElement, Stack, Validations } from "aws-cdk-lib";
import type { IConstruct } from "constructs";

/**
 * Rules of cdk-nag that a construct and what is in it do not follow, each with the reason. Nothing happens where those rules are not checked.
 */
export function acknowledge(where: IConstruct, reasons: Readonly<Record<string, string>>): void {
  for (const [id, reason] of Object.entries(reasons))
    Validations.of(where).acknowledge({ id, reason });
}

/** A resource with a "*" in a role's policy, as cdk-nag names it; any other "*" is still found. */
export function acknowledgeWildcard(role: IConstruct, resource: string, reason: string): void {
  acknowledge(role, { [`AwsSolutions-IAM5[Resource::${resource}]`]: reason });
}

/** The ARN of a resource as cdk-nag writes it. */
export function shownArn(resource: IConstruct): string {
  const { defaultChild } = resource.node;
  if (!CfnElement.isCfnElement(defaultChild)) return resource.node.path;
  return `<${Stack.of(resource).getLogicalId(defaultChild)}.Arn>`;
}

/** The ARN of what is not of this stack, as cdk-nag writes it: what the template refers to stands in angle brackets. */
export function writtenArn(scope: IConstruct, arn: string): string {
  const resolved: unknown = Stack.of(scope).resolve(arn);
  if (typeof resolved === "string") return resolved;
  const [separator, parts] = (resolved as { "Fn::Join": [string, Part[]] })["Fn::Join"];
  return parts.map(shownPart).join(separator);
}

type Part = string | { readonly Ref: string } | { readonly "Fn::Sub": string };

function shownPart(part: Part): string {
  if (typeof part === "string") return part;
  return "Ref" in part ? `<${part.Ref}>` : part["Fn::Sub"].replaceAll(/\$\{([^}]*)\}/g, "<$1>");
}
