// What the app is told by CDK's context: `-c name=value`. An error says what a value should be, for nobody reads a stack trace of a synth.
import { CpuArchitecture } from "aws-cdk-lib/aws-ecs";
import { ApiAccess } from "./constructs/api-access.ts";
import { Profile } from "./constructs/profile.ts";
import type { ExistingState, MyelinStackProps } from "./stacks/myelin-stack.ts";

export type StackSettings = MyelinStackProps & { readonly stackName: string };

/** Another stack than this is named, or everything is deployed as this one. */
const usualStack = "Myelin";

/** Read where it counts (constructs/emulated.ts). */
const readElsewhere = ["emulated"];

/** The values, by name; undefined for one that is not given. `names`: all that are given, CDK's own too. Throws on what it cannot read. */
export function stackSettings(
  valueOf: (name: string) => unknown,
  names: readonly string[] = [],
): StackSettings {
  const asGiven: string[] = [];
  const known: string[] = [];
  const given = (name: string): string | undefined => {
    known.push(name);
    const text = textOf(name, valueOf(name));
    if (text !== undefined) asGiven.push(`-c ${name}=${text}`);
    return text;
  };
  const cellName = given("cell");
  const stack = given("stack");
  const access = accessOf(given("jwtIssuer"), given("jwtAudience"));
  const existing = existingOf(given("table"), given("bucket"), given("key"));
  // Of the stack that is there under the usual name it would take table and bucket away, which may be the ones that this cell was restored from.
  const isUsual = cellName === undefined || cellName === usualStack.toLowerCase();
  if (existing !== undefined && stack === undefined && !isUsual)
    throw new Error(
      `the cell ${cellName} is none that the stack ${usualStack} would have made: say which stack is to have it, -c stack=${usualStack} if it is that one`,
    );
  const settings = {
    asGiven,
    stackName: stack ?? usualStack,
    clusterName: given("cluster") ?? "main",
    topics: topicsOf(given("topics") ?? ""),
    existing,
    cell: {
      profile: profileOf(given("profile") ?? "standard"),
      architecture: architectureOf(given("architecture") ?? "arm64"),
      ...(cellName === undefined ? {} : { cellName }),
      ...(access === undefined ? {} : { access }),
    },
  };
  checkNames(names, known);
  return settings;
}

/** A name that nobody reads would leave a default in its place: of a dev cell it would make a standard one. CDK's own are more than letters. */
function checkNames(names: readonly string[], known: readonly string[]): void {
  for (const name of names) {
    if (/\s/.test(name))
      throw new Error(
        `the context has a setting named "${name}": several words came as one, as zsh makes it of a variable that holds them. Type them out: -c profile=dev -c stack=Shop`,
      );
    if (/^[A-Za-z]+$/.test(name) && !known.includes(name) && !readElsewhere.includes(name))
      throw new Error(`the context has ${name}, which is no setting; it takes ${known.join(", ")}`);
  }
}

function textOf(name: string, value: unknown): string | undefined {
  if (value === undefined || value === "") return undefined;
  // The output `Settings` is typed again as it stands, and a shell takes it apart at its spaces.
  if (typeof value === "string" && /\s/.test(value))
    throw new Error(`${name} in the context is "${value}"; it takes text without spaces`);
  if (typeof value === "string") return value;
  // cdk.json may have numbers where a command line has text.
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  throw new Error(`${name} in the context is ${JSON.stringify(value)}; it takes text`);
}

/** Of a cell whose stack is gone, or that was restored. */
function existingOf(
  tableName: string | undefined,
  bucketName: string | undefined,
  keyArn: string | undefined,
): ExistingState | undefined {
  if (tableName === undefined && bucketName === undefined && keyArn === undefined) return undefined;
  if (tableName === undefined || bucketName === undefined)
    throw new Error("table and bucket go together: of a cell that is there already");
  return { tableName, bucketName, keyArn };
}

function profileOf(name: string): Profile {
  switch (name) {
    case "dev":
    case "standard":
    case "performance":
      return Profile[name]();
    default:
      throw new Error(`profile is "${name}"; it takes dev, standard or performance`);
  }
}

function architectureOf(name: string): CpuArchitecture {
  switch (name) {
    case "arm64":
      return CpuArchitecture.ARM64;
    case "x64":
      return CpuArchitecture.X86_64;
    default:
      throw new Error(`architecture is "${name}"; it takes arm64 or x64`);
  }
}

/** `orders:6,payments:3` */
function topicsOf(text: string): Record<string, number> {
  const topics: Record<string, number> = {};
  for (const each of text.split(",").filter((part) => part !== "")) {
    const [, name, partitions] = /^([A-Za-z0-9._-]+):([1-9]\d*)$/.exec(each) ?? [];
    if (name === undefined)
      throw new Error(`topics has "${each}"; it takes NAME:PARTITIONS, as in orders:6,payments:3`);
    topics[name] = Number(partitions);
  }
  return topics;
}

function accessOf(issuer: string | undefined, audience: string | undefined): ApiAccess | undefined {
  if (issuer === undefined && audience === undefined) return undefined;
  if (issuer === undefined || audience === undefined)
    throw new Error("jwtIssuer and jwtAudience go together");
  return ApiAccess.jwt({ issuer, audience: audience.split(",") });
}
