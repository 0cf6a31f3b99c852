// What a cell can be made of otherwise than by default.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { Duration, Stack } from "aws-cdk-lib";
import { Template } from "aws-cdk-lib/assertions";
import type { IVpc } from "aws-cdk-lib/aws-ec2";
import { SubnetType, Vpc } from "aws-cdk-lib/aws-ec2";
import { DockerImageAsset } from "aws-cdk-lib/aws-ecr-assets";
import { ContainerImage, CpuArchitecture } from "aws-cdk-lib/aws-ecs";
import { Key } from "aws-cdk-lib/aws-kms";
import { Topic as SnsTopic } from "aws-cdk-lib/aws-sns";
import { describe, expect, test } from "vitest";
import { repository } from "../../infra/assets/repository.ts";
import { ApiAccess } from "../../infra/constructs/api-access.ts";
import { MyelinCell } from "../../infra/constructs/myelin-cell.ts";
import { Profile } from "../../infra/constructs/profile.ts";
import { stackSettings } from "../../infra/settings.ts";
import { MyelinStack } from "../../infra/stacks/myelin-stack.ts";
import { newApp, resourcesOf, synth } from "./synth.ts";

describe("in an emulator", () => {
  const template = synth({ context: { emulated: "1" }, cell: { profile: Profile.dev() } });

  test("there are no rules between security groups, and no function that empties buckets", () => {
    for (const type of ["Ingress", "Egress"])
      expect(resourcesOf(template, `AWS::EC2::SecurityGroup${type}`)).toEqual({});
    expect(resourcesOf(template, "Custom::S3AutoDeleteObjects")).toEqual({});
  });

  test("everything else is as it is in AWS", () => {
    const counts = (from: Template) =>
      Object.values(from.toJSON()["Resources"] as Record<string, { Type: string }>)
        .map(({ Type }) => Type)
        .filter(
          (type) => !/SecurityGroup(In|E)gress|AutoDelete|IAM::Role|Lambda::Function/.test(type),
        )
        .sort();
    expect(counts(template)).toEqual(counts(synth({ cell: { profile: Profile.dev() } })));
  });
});

describe("the dev profile", () => {
  const template = synth({ cell: { profile: Profile.dev() }, topics: { orders: 1 } });

  test("is one service in one zone, without a load balancer or a key", () => {
    template.resourceCountIs("AWS::ECS::Service", 1);
    template.resourceCountIs("AWS::EC2::Subnet", 1);
    template.resourceCountIs("AWS::ElasticLoadBalancingV2::LoadBalancer", 0);
    template.resourceCountIs("AWS::KMS::Key", 0);
    template.resourceCountIs("AWS::EC2::NatGateway", 0);
  });

  test("goes with its stack, whole", () => {
    for (const type of [
      "AWS::DynamoDB::Table",
      "AWS::S3::Bucket",
      "AWS::Logs::LogGroup",
      "Custom::MyelinTopic",
    ])
      for (const { DeletionPolicy } of Object.values(resourcesOf(template, type)))
        expect(DeletionPolicy, type).toBe("Delete");
    template.hasResourceProperties("AWS::DynamoDB::Table", { DeletionProtectionEnabled: false });
  });
});

describe("a VPC that is there already", () => {
  function inVpc(zoneCount: number) {
    const app = newApp();
    const stack = new Stack(app, "Stack");
    const vpc = new Vpc(stack, "Vpc", { maxAzs: 2 }) as IVpc;
    return { stack, vpc, zoneCount };
  }

  test("gives brokers no public address in its private subnets, and gets no endpoints", () => {
    const { stack, vpc } = inVpc(2);
    new MyelinCell(stack, "Cell", {
      profile: Profile.standard({ zoneCount: 2 }),
      vpc,
      subnets: { subnetType: SubnetType.PRIVATE_WITH_EGRESS },
    });
    const template = Template.fromStack(stack);
    template.resourceCountIs("AWS::EC2::VPC", 1);
    template.resourceCountIs("AWS::EC2::VPCEndpoint", 0);
    for (const { Properties } of Object.values(resourcesOf(template, "AWS::ECS::Service")))
      expect(Properties).toMatchObject({
        NetworkConfiguration: { AwsvpcConfiguration: { AssignPublicIp: "DISABLED" } },
      });
  });

  test("with too few zones is refused", () => {
    const { stack, vpc } = inVpc(3);
    expect(() => new MyelinCell(stack, "Cell", { vpc })).toThrow(/lie in 2 availability zones/);
  });
});

test("an image of one's own brings its command and needs no code to be fetched", () => {
  const image = ContainerImage.fromRegistry("registry.example/myelin:1");
  const template = synth({
    cell: {
      profile: Profile.dev(),
      image,
      enableExecuteCommand: false,
      architecture: CpuArchitecture.X86_64,
    },
  });
  const [task] = Object.values(resourcesOf(template, "AWS::ECS::TaskDefinition"));
  const containers = task?.Properties["ContainerDefinitions"] as Record<string, unknown>[];
  expect(containers).toHaveLength(1);
  expect(containers[0]).toMatchObject({
    Image: "registry.example/myelin:1",
    ReadonlyRootFilesystem: true,
  });
  expect(containers[0]).not.toHaveProperty("Command");
  template.hasResourceProperties("AWS::Lambda::Function", { Architectures: ["x86_64"] });
});

test("an image that CDK builds is made of the product alone, so that nothing else is a new image", () => {
  const app = newApp();
  const asset = new DockerImageAsset(new Stack(app, "Images"), "Image", { directory: repository });
  const context = join(app.synth().directory, `asset.${asset.assetHash}`);
  expect(readdirSync(context)).toEqual(
    expect.arrayContaining(["Dockerfile", "package-lock.json", "broker", "infra", "sdk"]),
  );
  const needless = /^(?:\.git|\.clients|test|docs|bench|node_modules)$|\.md$/;
  expect(readdirSync(context).filter((name) => needless.test(name))).toEqual([]);
  expect(readdirSync(join(context, "sdk"))).not.toContain("node_modules");
});

test("tokens of an issuer let in at the API instead of signatures", () => {
  const access = ApiAccess.jwt({ issuer: "https://id.example", audience: ["myelin"] });
  const template = synth({ cell: { profile: Profile.dev(), access } });
  template.hasResourceProperties("AWS::ApiGatewayV2::Route", { AuthorizationType: "JWT" });
  template.hasResourceProperties("AWS::ApiGatewayV2::Authorizer", {
    JwtConfiguration: { Audience: ["myelin"], Issuer: "https://id.example" },
  });
});

test("alarms are told to a topic, going off and over", () => {
  const stack = new Stack(newApp(), "Stack");
  const alarmTopic = new SnsTopic(stack, "Alarms");
  new MyelinCell(stack, "Cell", { profile: Profile.dev(), alarmTopic });
  const alarms = Object.values(resourcesOf(Template.fromStack(stack), "AWS::CloudWatch::Alarm"));
  expect(alarms.length).toBeGreaterThan(5);
  for (const { Properties } of alarms) {
    expect(Properties["AlarmActions"]).toHaveLength(1);
    expect(Properties["OKActions"]).toHaveLength(1);
  }
});

test("brokers are told what to log, and when to replace one that is gone", () => {
  const told = { logLevel: "debug", replacementDelay: Duration.minutes(5) } as const;
  const [definition] = Object.values(
    resourcesOf(synth({ cell: told }), "AWS::ECS::TaskDefinition"),
  );
  const containers = definition?.Properties["ContainerDefinitions"] as {
    Name: string;
    Environment?: { Name: string; Value: unknown }[];
  }[];
  expect(containers.find(({ Name }) => Name === "broker")?.Environment).toEqual(
    expect.arrayContaining([
      { Name: "MYELIN_LOG_LEVEL", Value: "debug" },
      { Name: "MYELIN_REPLACEMENT_DELAY_S", Value: "300" },
    ]),
  );
});

test("what is under a former key may be decrypted, and who writes may go on with it: brokers do until a deployment replaces them", () => {
  const stack = new Stack(newApp(), "Stack");
  const arn = "arn:aws:kms:eu-west-1:123456789012:key/former";
  const formerKeys = [Key.fromKeyArn(stack, "Former", arn)];
  new MyelinCell(stack, "Cell", { cellName: "prod", formerKeys });
  const policies = Object.values(resourcesOf(Template.fromStack(stack), "AWS::IAM::Policy"));
  const actions = policies.map(({ Properties }) =>
    (
      Properties["PolicyDocument"] as { Statement: { Resource: unknown; Action: unknown }[] }
    ).Statement.flatMap(({ Resource, Action }) => (Resource === arn ? [Action].flat() : [])),
  );
  const granted = actions.filter((each) => each.length > 0).map((each) => each.join(" "));
  // Brokers and maintain; the API, the custom resources and reconcile.
  const writes = "kms:Decrypt kms:GenerateDataKey";
  const reads = "kms:Decrypt";
  expect(granted.sort()).toEqual([reads, reads, reads, writes, writes]);
});

test.each([
  [{ cellName: "Prod" }, /cellName is "Prod"/],
  [{ cellName: "a".repeat(33) }, /1 to 32/],
  [{ profile: Profile.standard({ diskGiB: 20 }) }, /diskGiB is 20; it takes 21 to 200/],
  [{ profile: Profile.standard({ zoneCount: 0 }) }, /zoneCount is 0/],
  [
    { profile: Profile.standard({ brokersPerZone: { min: 3, max: 2 } }) },
    /brokersPerZone.max is 2/,
  ],
  [{ replacementDelay: Duration.hours(2) }, /replacementDelay is 7200 s; it takes a second/],
  // As an app that nobody has looked at the types of gives it.
  [{ logLevel: "trace" as "debug" }, /logLevel is "trace"; it takes debug, info, warn, error/],
  [
    { profile: Profile.standard({ noncurrentVersions: Duration.days(0) }) },
    /noncurrentVersions is .*; it takes a day or more/,
  ],
])("a cell that no deployment could serve is refused: %j", (props, message) => {
  expect(() => new MyelinCell(new Stack(newApp(), "Stack"), "Cell", props)).toThrow(message);
});

describe("the command line's context", () => {
  const settings = (given: Record<string, unknown>) =>
    stackSettings((name) => given[name], Object.keys(given));

  test("has a default for everything", () => {
    const { stackName, clusterName, topics, cell } = settings({});
    expect({ stackName, clusterName, topics }).toEqual({
      stackName: "Myelin",
      clusterName: "main",
      topics: {},
    });
    expect(cell.profile?.name).toBe("standard");
  });

  test("names cell, cluster, topics and architecture", () => {
    const { clusterName, topics, cell } = settings({
      profile: "dev",
      cell: "prod",
      cluster: "shop",
      topics: "orders:6,payments:3",
      architecture: "x64",
    });
    expect({ clusterName, topics }).toEqual({
      clusterName: "shop",
      topics: { orders: 6, payments: 3 },
    });
    expect(cell).toMatchObject({ cellName: "prod", architecture: CpuArchitecture.X86_64 });
  });

  test("has names of CDK's own, and of what is read elsewhere", () => {
    const others = { "@aws-cdk/core:x": true, "aws:cdk:y": 1, "cli-telemetry": false, emulated: 1 };
    expect(settings({ ...others, stack: "Shop" }).stackName).toBe("Shop");
  });

  test("is an output, for the next deployment to say again", () => {
    const { stackName, ...given } = settings({ profile: "dev", topics: "orders:6", stack: "Shop" });
    const template = Template.fromStack(new MyelinStack(newApp(), stackName, given));
    template.hasOutput("Settings", { Value: "-c stack=Shop -c topics=orders:6 -c profile=dev" });
  });

  test("a cell that is there goes into a stack that is named, unless it is the usual stack's own", () => {
    const there = { table: "t", bucket: "b" };
    expect(() => settings({ ...there, cell: "prod-2" })).toThrow(/say which stack/);
    expect(settings({ ...there, cell: "prod-2", stack: "Prod2" }).stackName).toBe("Prod2");
    expect(settings({ ...there, cell: "myelin" }).stackName).toBe("Myelin");
  });

  test.each([
    [{ profile: "huge" }, /profile is "huge"; it takes dev, standard or performance/],
    [{ topics: "orders" }, /it takes NAME:PARTITIONS/],
    [{ architecture: "mips" }, /it takes arm64 or x64/],
    [{ jwtIssuer: "https://id.example" }, /go together/],
    [{ jwtIssuer: "http://id.example", jwtAudience: "a" }, /it takes an https address/],
    [{ cell: ["a"] }, /it takes text/],
    [{ jwtIssuer: "https://id.example", jwtAudience: "a, b" }, /"a, b"; it takes text without/],
    // What would be passed over in silence, and deployed with a default in its place.
    [{ profil: "dev" }, /profil, which is no setting; it takes cell, stack, .*profile/],
    // zsh does not take a variable apart: `-c` gets all of it.
    [{ " profile": "dev -c stack=Shop" }, /several words came as one/],
  ])("says what a value should be: %j", (given, message) => {
    expect(() => settings(given)).toThrow(message);
  });
});
