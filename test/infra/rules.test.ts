import { Port, Peer } from "aws-cdk-lib/aws-ec2";
import { CfnResource, Stack } from "aws-cdk-lib";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { repository } from "../../infra/assets/repository.ts";
import { MyelinCell } from "../../infra/constructs/myelin-cell.ts";
import { Profile } from "../../infra/constructs/profile.ts";
import { addRules } from "../../infra/rules.ts";
import { given } from "../../functions/given.ts";
import { newApp, newStack } from "./synth.ts";
import type { SynthOptions } from "./synth.ts";

/** Checks the template as CDK does by itself, and with the rules of cdk-nag. Throws on what they find. */
function check(
  profile: Profile,
  plant: (stack: ReturnType<typeof newStack>) => unknown = () => {},
  existing?: SynthOptions["existing"],
) {
  const app = newApp(JSON.parse(readFileSync(join(repository, "cdk.json"), "utf8")).context);
  const stack = newStack(app, {
    cell: { profile, cellName: "prod" },
    topics: { orders: 6 },
    ...given({ existing }),
  });
  plant(stack);
  addRules(app);
  const { directory } = app.synth();
  return JSON.parse(readFileSync(join(directory, "validation-report.json"), "utf8")) as {
    pluginReports: { pluginName: string; conclusion: string; violations: unknown[] }[];
  };
}

beforeAll(() => {
  process.env["CDK_VALIDATION"] = "true";
});
afterAll(() => {
  process.env["CDK_VALIDATION"] = "false";
});

describe("the rules of cdk-nag and CDK's own check of the template", () => {
  test.each([Profile.dev(), Profile.standard()])("find nothing in profile $name", (profile) => {
    // What is an error throws; what is a warning stands here.
    expect(check(profile).pluginReports).toEqual([]);
  });

  test("find nothing in a cell on the table, bucket and key of another stack", () => {
    const keyArn = "arn:aws:kms:eu-central-1:111122223333:key/0a";
    const existing = { tableName: "old-table", bucketName: "old-bucket", keyArn };
    expect(check(Profile.standard(), undefined, existing).pluginReports).toEqual([]);
  });

  test("find nothing in a cell whose stack says in which account and region it is", () => {
    const app = newApp();
    const env = { account: "111122223333", region: "eu-central-1" };
    new MyelinCell(new Stack(app, "Shop", { env }), "Cell", { cellName: "prod" });
    addRules(app);
    expect(() => app.synth()).not.toThrow();
  });

  test("find a broker that is open to the world", () => {
    expect(() =>
      check(Profile.dev(), ({ cell }) =>
        cell.network.brokers.addIngressRule(Peer.anyIpv4(), Port.tcp(9092)),
      ),
    ).toThrow(/AwsSolutions-EC23/);
  });

  test("find a template that CloudFormation would refuse", () => {
    const { pluginReports } = check(
      Profile.dev(),
      (stack) =>
        new CfnResource(stack, "Wrong", {
          type: "AWS::Logs::LogGroup",
          properties: { RetentionInDays: 8 },
        }),
    );
    expect(JSON.stringify(pluginReports)).toContain("RetentionInDays: 8 is not one of");
  });
});
