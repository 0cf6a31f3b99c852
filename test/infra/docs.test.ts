// What docs/operating says of the deployment, against the deployment.
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { Stack } from "aws-cdk-lib";
import { Template } from "aws-cdk-lib/assertions";
import type { IVpc } from "aws-cdk-lib/aws-ec2";
import { SecurityGroup, Vpc } from "aws-cdk-lib/aws-ec2";
import { Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { Topic } from "aws-cdk-lib/aws-sns";
import { afterAll, expect, test } from "vitest";
import { repository } from "../../infra/assets/repository.ts";
import { stackSettings } from "../../infra/settings.ts";
import { newApp, newStack, resourcesOf } from "./synth.ts";

const folder = join(repository, "docs/operating");
const page = (name: string): string => readFileSync(join(folder, name), "utf8");
const sampleFile = join(repository, "test/infra/docs.sample.ts");
const stack = newStack(newApp());
const template = Template.fromStack(stack);

afterAll(() => rmSync(sampleFile, { force: true }));

test("every alarm has its section, and every section its alarm", () => {
  const named = Object.values(resourcesOf(template, "AWS::CloudWatch::Alarm")).map(
    ({ Properties }) => /"([A-Za-z]+)"\)$/.exec(String(Properties["AlarmDescription"]))?.[1],
  );
  const sections = [...page("alarms.md").matchAll(/^## (\w+)$/gm)].map(([, name]) => name);
  expect(new Set(sections)).toEqual(new Set(named));
});

test("every output that the pages name is one of the stack's", () => {
  const outputs = Object.keys(template.toJSON()["Outputs"] as object);
  const table = page("deploy.md").split("\n## ")[0] ?? "";
  const named = [...table.matchAll(/^\| (`[^|]+)\|/gm)].flatMap(([, cell = ""]) =>
    [...cell.matchAll(/`(\w+)`/g)].map(([, name]) => name),
  );
  expect(named.length).toBeGreaterThan(5);
  expect(outputs).toEqual(expect.arrayContaining(named));
});

test("every word of the command line's context is in the table, and none that is not read", () => {
  const asked = new Set<string>();
  stackSettings((name) => void asked.add(name));
  const section = page("deploy.md").split("## What can be said")[1]?.split("\n## ")[0] ?? "";
  const named = [...section.matchAll(/^\| (`[^|]+)\|/gm)].flatMap(([, cell = ""]) =>
    [...cell.matchAll(/`(\w+)`/g)].map(([, name]) => name),
  );
  expect(new Set(named)).toEqual(asked);
});

test("commands are as they are typed in a checkout, where npm puts nothing on the path", () => {
  const pages = readdirSync(folder).filter((each) => each.endsWith(".md"));
  for (const path of [...pages.map((name) => join(folder, name)), join(repository, "README.md")])
    for (const [, block = ""] of readFileSync(path, "utf8").matchAll(/^```\w*\n(.*?)^```$/gms))
      expect(block, path).not.toMatch(/^(myelin|cdk) /m);
});

test("links of the pages lead somewhere", () => {
  for (const name of readdirSync(folder).filter((each) => each.endsWith(".md")))
    for (const [, link = ""] of page(name).matchAll(/\]\((?!https?:)([^)#]+)[^)]*\)/g))
      expect(existsSync(join(dirname(join(folder, name)), link)), `${name}: ${link}`).toBe(true);
});

test("the sample of an app of one's own deploys as it stands", async () => {
  const sample = /^```ts\n(const cell = .*?)^```$/ms.exec(page("deploy.md"))?.[1];
  // As a file in infra/ has them.
  const imports = /^```ts\n(import .*?MyelinCell.*?)^```$/ms.exec(page("deploy.md"))?.[1];
  const fromHere = imports?.replaceAll('from "./', 'from "../../infra/');
  const made = new Stack(newApp(), "Shop");
  const vpc = new Vpc(made, "Vpc", { availabilityZones: ["a", "b", "c"] }) as IVpc;
  const given = {
    vpc,
    alarmTopic: new Topic(made, "Told"),
    worker: new SecurityGroup(made, "Worker", { vpc }),
    adminRole: new Role(made, "Admin", { assumedBy: new ServicePrincipal("ec2.amazonaws.com") }),
  };
  writeFileSync(
    sampleFile,
    `import type { Stack } from "aws-cdk-lib";
${fromHere}
export function run(this: Stack, { vpc, alarmTopic, worker, adminRole }: any) {
${sample}
return orders; }`,
  );
  const { run } = (await import(pathToFileURL(sampleFile).href)) as {
    run: (this: Stack, given: object) => { topicName: string };
  };
  expect(run.call(made, given).topicName).toBe("orders");
  const written = Template.fromStack(made);
  written.resourceCountIs("Custom::MyelinCluster", 1);
  written.hasResourceProperties("Custom::MyelinTopic", {
    partitionsCount: 6,
    configs: { "retention.ms": "604800000" },
  });
  written.hasOutput("Bootstrap", {});
});
