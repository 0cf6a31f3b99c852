// What the alarms look at that must tell of a fleet that is not there.
import { Template } from "aws-cdk-lib/assertions";
import { expect, test } from "vitest";
import { Profile } from "../../infra/constructs/profile.ts";
import { newApp, newStack, resourcesOf } from "./synth.ts";

function alarmsOf(profile: Profile): Record<string, Record<string, unknown>> {
  const template = Template.fromStack(newStack(newApp(), { cell: { profile } }));
  const found = Object.values(resourcesOf(template, "AWS::CloudWatch::Alarm"));
  return Object.fromEntries(
    found.map(({ Properties }) => [String(Properties["AlarmName"]).split("-").at(-1), Properties]),
  );
}

test.each([true, false])(
  "brokers are missing where every look of a quarter of an hour found some missing, also of a cell with sleepsWhenIdle: %s",
  (sleepsWhenIdle) => {
    const { BrokersMissing } = alarmsOf(Profile.standard({ sleepsWhenIdle }));
    expect(BrokersMissing).toMatchObject({
      Namespace: "Myelin",
      MetricName: "MissingBrokers",
      Dimensions: [{ Name: "Cell", Value: "myelin" }],
      ComparisonOperator: "GreaterThanOrEqualToThreshold",
      Threshold: 1,
      Statistic: "Minimum",
      Period: 300,
      EvaluationPeriods: 3,
      TreatMissingData: "notBreaching",
    });
  },
);

test("where nobody looks for missing brokers, that is told: runs that are not there, and runs that fail", () => {
  const { ReconcileMissing, ReconcileErrors } = alarmsOf(Profile.dev());
  expect(ReconcileMissing).toMatchObject({
    MetricName: "Invocations",
    Statistic: "Sum",
    ComparisonOperator: "LessThanThreshold",
    Threshold: 1,
    TreatMissingData: "breaching",
  });
  expect(ReconcileErrors).toMatchObject({ MetricName: "Errors", Statistic: "Sum", Threshold: 3 });
  expect(ReconcileErrors?.["Dimensions"]).toEqual(ReconcileMissing?.["Dimensions"]);
});
