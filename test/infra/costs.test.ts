// The estimate of costs against what would be deployed.
import { Template } from "aws-cdk-lib/assertions";
import { expect, test } from "vitest";
import { Profile } from "../../infra/constructs/profile.ts";
import { estimate } from "../../sdk/src/cost/estimate.ts";
import { sizes } from "../../sdk/src/cost/sizes.ts";
import type { SizeName } from "../../sdk/src/cost/sizes.ts";
import { newApp, newStack } from "./synth.ts";

const names = Object.keys(sizes) as SizeName[];

test.each(names)("size %s is what the profile of that name deploys", (name) => {
  const profile = Profile[name]();
  const { bytesPerBroker, ...size } = sizes[name];
  expect(bytesPerBroker).toBeGreaterThan(0);
  expect(size).toEqual({
    zoneCount: profile.zoneCount,
    brokersPerZone: profile.brokersPerZone.min,
    maxBrokersPerZone: profile.brokersPerZone.max,
    vcpus: profile.cpuUnits / 1024,
    memoryGb: profile.memoryMiB / 1024,
    diskGb: profile.diskGiB,
    hasBalancer: profile.hasBootstrapBalancer,
    hasKey: profile.hasKey,
    oldVersionDays: profile.noncurrentVersions.toDays(),
  });
});

test.each(["dev", "standard"] satisfies SizeName[])(
  "an estimate of %s counts the alarms, keys, balancers and dashboards of the template",
  (name) => {
    const stack = newStack(newApp(), { cell: { profile: Profile[name]() } });
    const template = Template.fromStack(stack);
    const { lines } = estimate({
      size: sizes[name],
      zoneCount: sizes[name].zoneCount,
      inBytesPerSecond: 0,
      retentionMs: 0,
      consumerCount: 0,
      partitionCount: 1,
      replicationFactor: 1,
      producersStayInZone: true,
      consumersStayInZone: true,
    });
    const quantity = (what: string) => lines.find((each) => each.what === what)?.quantity ?? 0;
    template.resourceCountIs("AWS::CloudWatch::Alarm", quantity("alarms"));
    template.resourceCountIs("AWS::KMS::Key", quantity("key"));
    template.resourceCountIs("AWS::CloudWatch::Dashboard", quantity("dashboard"));
    const balancers = quantity("bootstrap load balancer") / 730;
    template.resourceCountIs("AWS::ElasticLoadBalancingV2::LoadBalancer", balancers);
  },
);
