// What code calls, read out of the code, against what its role may do: neither more nor less.
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { repository } from "../../infra/assets/repository.ts";
import { resourcesOf, synth } from "./synth.ts";

const template = synth();

/** Commands of the AWS SDK that are called something else in IAM, or are more than one action. */
const actionsOfCommand: Record<string, string[]> = {
  TransactWriteItems: ["dynamodb:ConditionCheckItem", "dynamodb:PutItem"],
  // A HEAD is a read of the object, and needs ListBucket to tell "absent" from "denied".
  HeadObject: ["s3:GetObject"],
  ListObjectsV2: ["s3:ListBucket"],
  // Parts belong to the put.
  CreateMultipartUpload: ["s3:PutObject"],
  UploadPart: ["s3:PutObject"],
  CompleteMultipartUpload: ["s3:PutObject"],
};

function sourceFiles(path: string): string[] {
  return readdirSync(join(repository, path), { withFileTypes: true, recursive: true })
    .filter((each) => each.isFile() && each.name.endsWith(".ts"))
    .map((each) => join(each.parentPath, each.name));
}

/** Actions of the commands that are made in these folders or files. */
function calledIn(service: string, ...paths: string[]): string[] {
  const called = new Set<string>();
  for (const file of paths.flatMap(sourceFiles)) {
    const text = readFileSync(file, "utf8");
    for (const [, command = ""] of text.matchAll(/new ([A-Z][A-Za-z0-9]+)Command\(/g))
      for (const action of actionsOfCommand[command] ?? [`${service}:${command}`])
        called.add(action);
  }
  return [...called].sort();
}

type Statement = { Action: string | string[]; Resource: unknown; Effect: string };

/** Actions that a role's policies allow, logs and the code's own download aside. */
function allowedTo(role: string): string[] {
  const [policy, ...others] = Object.entries(resourcesOf(template, "AWS::IAM::Policy")).filter(
    ([id]) => id.includes(role),
  );
  if (policy === undefined || others.length > 0) throw new Error(`${role} has not one policy`);
  const { Statement } = policy[1].Properties["PolicyDocument"] as { Statement: Statement[] };
  return Statement.filter(({ Resource }) => !JSON.stringify(Resource).includes("-assets-"))
    .flatMap(({ Action }) => Action)
    .filter((action) => !action.startsWith("logs:"))
    .sort();
}

const table = calledIn("dynamodb", "adapters/dynamodb");
const objects = calledIn("s3", "adapters/s3");
const key = ["kms:Decrypt", "kms:GenerateDataKey"];

const appends = [
  "dynamodb:ConditionCheckItem",
  "dynamodb:GetItem",
  "dynamodb:PutItem",
  "dynamodb:Query",
  "kms:Decrypt",
  "s3:GetObject",
  "s3:ListBucket",
];

test("the calls are found in the code", () => {
  expect(table).toContain("dynamodb:Query");
  expect(objects).toContain("s3:PutObject");
});

test("brokers may do what both adapters call, protect their task and be reached by ECS Exec", () => {
  const exec = [
    "CreateControlChannel",
    "CreateDataChannel",
    "OpenControlChannel",
    "OpenDataChannel",
  ];
  expect(allowedTo("BrokerTaskTaskRole")).toEqual(
    [
      ...table,
      ...objects,
      ...key,
      "ecs:GetTaskProtection",
      "ecs:UpdateTaskProtection",
      ...exec.map((each) => `ssmmessages:${each}`),
    ].sort(),
  );
});

test("brokers may fetch the code of any version: while a deployment rolls, tasks of the one before begin too", () => {
  const policies = Object.values(resourcesOf(template, "AWS::IAM::Policy"));
  const statements = policies
    .flatMap(
      ({ Properties }) => (Properties["PolicyDocument"] as { Statement: Statement[] }).Statement,
    )
    .filter(({ Resource }) => JSON.stringify(Resource).includes("-assets-"));
  expect(statements.map(({ Action }) => Action)).toEqual(["s3:GetObject"]);
  expect(JSON.stringify(statements[0]?.Resource)).toMatch(/-assets-[^/]*\/\*\.tgz"/);
});

test("the function that maintains the log may do what both adapters call", () => {
  expect(allowedTo("TasksMaintainRole")).toEqual([...table, ...objects, ...key].sort());
});

test("the control plane neither trims the log nor writes objects", () => {
  expect(allowedTo("ControlPlaneHandlerRole")).toEqual(appends);
  expect(allowedTo("ControlPlaneResourcesRole")).toEqual(appends);
  // What is left to the others is what trim.ts alone calls, and the writes of the object store.
  expect(table.filter((action) => !appends.includes(action))).toEqual([
    "dynamodb:DeleteItem",
    "dynamodb:UpdateItem",
  ]);
});

test("the reconcile function may do what the control plane may, and what looking after the fleet calls", () => {
  const fleet = calledIn("ecs", "adapters/ecs");
  expect(fleet).toContain("ecs:UpdateService");
  expect(allowedTo("TasksReconcileRole")).toEqual([...appends, ...fleet].sort());
});

test("nobody may do anything to everything, unless under a condition, but for the channel of ECS Exec", () => {
  const policies = Object.values(resourcesOf(template, "AWS::IAM::Policy"));
  const statements = policies.flatMap(
    ({ Properties }) => (Properties["PolicyDocument"] as { Statement: Statement[] }).Statement,
  );
  const wide = statements.filter(
    (each) => [each.Resource].flat().includes("*") && !("Condition" in each),
  );
  const actions = wide.flatMap(({ Action }) => Action);
  expect(actions.filter((each) => !each.startsWith("ssmmessages:"))).toEqual([]);
  expect(statements.flatMap(({ Action }) => Action).filter((each) => each.includes("*"))).toEqual(
    [],
  );
});

test("no role has a policy of AWS's", () => {
  for (const { Properties } of Object.values(resourcesOf(template, "AWS::IAM::Role")))
    expect(Properties).not.toHaveProperty("ManagedPolicyArns");
});

test("what may be done to the table is confined to the cell's own keys", () => {
  for (const { Properties } of Object.values(resourcesOf(template, "AWS::IAM::Policy"))) {
    const { Statement } = Properties["PolicyDocument"] as {
      Statement: (Statement & { Condition?: object })[];
    };
    for (const { Action, Condition } of Statement)
      if ([Action].flat().some((each) => each.startsWith("dynamodb:")))
        expect(Condition).toEqual({
          "ForAllValues:StringLike": { "dynamodb:LeadingKeys": ["myelin/*"] },
        });
  }
});
