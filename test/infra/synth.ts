import { App } from "aws-cdk-lib";
import { Template } from "aws-cdk-lib/assertions";
import type { MyelinCellProps } from "../../infra/constructs/myelin-cell.ts";
import type { ExistingState } from "../../infra/stacks/myelin-stack.ts";
import { MyelinStack } from "../../infra/stacks/myelin-stack.ts";

export type SynthOptions = {
  readonly cell?: MyelinCellProps;
  readonly existing?: ExistingState;
  readonly topics?: Readonly<Record<string, number>>;
  readonly context?: Readonly<Record<string, unknown>>;
};

/** Templates are looked at, and nothing is run: so no code is bundled. */
const plain = { "aws:cdk:bundling-stacks": [], "aws:cdk:disable-stack-trace": true };

export function newApp(context: Readonly<Record<string, unknown>> = {}): App {
  return new App({ context: { ...plain, ...context } });
}

export function newStack(
  app: App,
  { cell = {}, existing, topics = {} }: SynthOptions = {},
): MyelinStack {
  return new MyelinStack(app, "Myelin", { cell, existing, clusterName: "main", topics });
}

/** Takes a second or two: one for each file is enough. */
export function synth(options: SynthOptions = {}): Template {
  return Template.fromStack(newStack(newApp(options.context), options));
}

export type CfnResource = {
  readonly Type: string;
  readonly Properties: Record<string, unknown>;
  readonly DependsOn?: readonly string[];
  readonly DeletionPolicy?: string;
};

/** Logical id -> resource. */
export function resourcesOf(template: Template, type: string): Record<string, CfnResource> {
  return template.findResources(type) as Record<string, CfnResource>;
}
