import { Port, Peer } from "aws-cdk-lib/aws-ec2";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { Profile } from "../../infra/constructs/profile.ts";
import { addRules } from "../../infra/rules.ts";
import { newApp, newStack } from "./synth.ts";

/** Checks the template as CDK does by itself, and with the rules of cdk-nag. Throws on what they find. */
function check(profile: Profile, plant: (stack: ReturnType<typeof newStack>) => void = () => {}) {
  const app = newApp();
  const stack = newStack(app, { cell: { profile }, topics: { orders: 6 } });
  plant(stack);
  addRules(app);
  const { directory } = app.synth();
  return JSON.parse(readFileSync(join(directory, "validation-report.json"), "utf8")) as {
    pluginReports: { pluginName: string; conclusion: string; violations: unknown[] }[];
  };
}

describe("the rules of cdk-nag and CDK's own check of the template", () => {
  test.each([Profile.dev(), Profile.standard()])("find nothing in profile $name", (profile) => {
    for (const { pluginName, conclusion, violations } of check(profile).pluginReports)
      expect({ pluginName, conclusion, violations }).toMatchObject({
        conclusion: "success",
        violations: [],
      });
  });

  test("find a broker that is open to the world", () => {
    expect(() =>
      check(Profile.dev(), ({ cell }) =>
        cell.network.brokers.addIngressRule(Peer.anyIpv4(), Port.tcp(9092)),
      ),
    ).toThrow(/AwsSolutions-EC23/);
  });
});
