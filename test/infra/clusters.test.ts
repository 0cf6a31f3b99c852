import { App, Duration, RemovalPolicy, Size, Stack } from "aws-cdk-lib";
import { Match, Template } from "aws-cdk-lib/assertions";
import type { IVpc } from "aws-cdk-lib/aws-ec2";
import { Port, SecurityGroup, Vpc } from "aws-cdk-lib/aws-ec2";
import { Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import type { Metric } from "aws-cdk-lib/aws-cloudwatch";
import { expect, test } from "vitest";
import { emfLine } from "../../broker/container/emf.ts";
import { missingBrokersLine } from "../../functions/reconcile/missing-brokers.ts";
import type { LoadSample } from "../../metadata/load/load-report.ts";
import { ApiAccess } from "../../infra/constructs/api-access.ts";
import { Cluster } from "../../infra/constructs/cluster.ts";
import { MyelinCell } from "../../infra/constructs/myelin-cell.ts";
import type { MyelinCellAttributes } from "../../infra/constructs/myelin-cell.ts";
import { Profile } from "../../infra/constructs/profile.ts";
import { newApp, newStack, resourcesOf } from "./synth.ts";

/** A stack of somebody who uses a cell that is there already. */
function user(attributes: Partial<MyelinCellAttributes> = {}) {
  const stack = new Stack(new App(), "Shop");
  const vpc = new Vpc(stack, "Vpc", {
    natGateways: 0,
    restrictDefaultSecurityGroup: false,
  }) as IVpc;
  const group = (id: string) => new SecurityGroup(stack, id, { vpc });
  const [worker, brokers, balancer] = [group("Worker"), group("Brokers"), group("Balancer")];
  const cell = MyelinCell.fromMyelinCellAttributes(stack, "Cell", {
    cellName: "prod",
    apiUrl: "https://abc.execute-api.eu-central-1.amazonaws.com",
    apiId: "abc",
    serviceToken: "arn:aws:lambda:eu-central-1:111122223333:function:resources",
    bootstrapHost: "bootstrap.example",
    securityGroups: [brokers, balancer],
    ...attributes,
  });
  return { stack, cell, worker };
}

const oldKey = "arn:aws:kms:eu-central-1:111122223333:key/0a";

test("fifty topics of one stack are made at once: none waits for another", () => {
  const topics = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`t${index}`, 3]));
  const stack = newStack(newApp(), { cell: { profile: Profile.dev() }, topics });
  const made = resourcesOf(Template.fromStack(stack), "Custom::MyelinTopic");
  expect(Object.keys(made)).toHaveLength(50);
  for (const { DependsOn } of Object.values(made))
    expect((DependsOn ?? []).filter((each) => each in made)).toEqual([]);
});

test("a topic waits for the brokers, so that it gets its copies", () => {
  const stack = newStack(newApp(), { cell: { profile: Profile.dev() }, topics: { orders: 6 } });
  const template = Template.fromStack(stack);
  const [topic] = Object.values(resourcesOf(template, "Custom::MyelinTopic"));
  const services = Object.keys(resourcesOf(template, "AWS::ECS::Service"));
  expect(services).toHaveLength(1);
  expect(topic?.DependsOn).toEqual(services);
});

test("a cluster and its topics are made on a cell of another stack", () => {
  const { stack, cell } = user();
  const shop = new Cluster(stack, "Shop", { cell, clusterName: "shop", description: "Events" });
  shop.addTopic("orders", {
    partitions: 6,
    retention: Duration.days(7),
    retentionSize: Size.gibibytes(1),
    configs: { "min.insync.replicas": "2" },
    removalPolicy: RemovalPolicy.DESTROY,
  });
  const template = Template.fromStack(stack);
  template.hasResource("Custom::MyelinCluster", {
    DeletionPolicy: "Retain",
    Properties: Match.objectLike({
      ServiceToken: "arn:aws:lambda:eu-central-1:111122223333:function:resources",
      clusterName: "shop",
      description: "Events",
    }),
  });
  template.hasResource("Custom::MyelinTopic", {
    DeletionPolicy: "Delete",
    Properties: Match.objectLike({
      topicName: "orders",
      partitionsCount: 6,
      configs: {
        "retention.ms": "604800000",
        "retention.bytes": "1073741824",
        "min.insync.replicas": "2",
      },
    }),
  });
  expect(stack.resolve(shop.bootstrapServers)).toMatchObject({
    "Fn::Join": ["", ["bootstrap.example:", { "Fn::GetAtt": [expect.any(String), "KafkaPort"] }]],
  });
});

test("a cell on what another stack has left makes neither table nor bucket, and takes clusters and topics over", () => {
  const existing = { tableName: "old-table", bucketName: "old-bucket", keyArn: oldKey };
  const stack = newStack(newApp(), { existing, cell: { cellName: "prod" }, topics: { orders: 6 } });
  const template = Template.fromStack(stack);
  for (const type of ["AWS::DynamoDB::Table", "AWS::S3::Bucket", "AWS::KMS::Key"])
    expect(Object.keys(resourcesOf(template, type))).toEqual([]);
  template.hasResourceProperties("Custom::MyelinCluster", { clusterName: "main", adopt: "true" });
  template.hasResourceProperties("Custom::MyelinTopic", { topicName: "orders", adopt: "true" });
  const dev = { cellName: "prod", profile: Profile.dev() };
  const small = Template.fromStack(newStack(newApp(), { existing, cell: dev, topics: { t: 1 } }));
  // Neither a roll-back nor the end of the stack takes what was there before it.
  for (const type of ["Custom::MyelinCluster", "Custom::MyelinTopic"])
    small.hasResource(type, { DeletionPolicy: "Retain" });
  small.hasResourceProperties("Custom::MyelinCluster", { force: "false" });
  // The physical id says more than which cluster it is, and a policy that changes has to be told.
  template.hasResourceProperties("Custom::MyelinTopic", {
    clusterId: { "Fn::GetAtt": [Match.anyValue(), "ClusterId"] },
    removalPolicy: "retain",
  });
  template.hasResourceProperties("Custom::MyelinCluster", { removalPolicy: "retain" });
  const policies = JSON.stringify(resourcesOf(template, "AWS::IAM::Policy"));
  for (const each of ["table/old-table", ":s3:::old-bucket/cells/prod/*", oldKey])
    expect(policies).toContain(each);
  const own = newStack(newApp(), { cell: {}, topics: {} });
  for (const { Properties } of Object.values(
    resourcesOf(Template.fromStack(own), "Custom::MyelinCluster"),
  ))
    for (const name of ["adopt", "removalPolicy"]) expect(Properties).not.toHaveProperty(name);
});

test("a cell on what another stack has left is named, for under another name it would be empty", () => {
  const existing = { tableName: "old-table", bucketName: "old-bucket" };
  expect(() => newStack(newApp(), { existing, cell: {} })).toThrow(/give it as cellName \(-c cell/);
});

test("topics that others made go with a cluster only where records go with the cell, or it is asked for", () => {
  const forceOf = (stack: Stack): unknown[] =>
    Object.values(resourcesOf(Template.fromStack(stack), "Custom::MyelinCluster")).map(
      ({ Properties }) => Properties["force"],
    );
  expect(forceOf(newStack(newApp(), { cell: { profile: Profile.dev() } }))).toEqual(["true"]);
  expect(forceOf(newStack(newApp(), { cell: { profile: Profile.standard() } }))).toEqual(["false"]);
  const { stack, cell } = user();
  new Cluster(stack, "Shop", { cell, clusterName: "shop", autoDeleteTopics: true });
  expect(forceOf(stack)).toEqual(["true"]);
});

test("a client is let in at the brokers and at the load balancer, at the cluster's port", () => {
  const { stack, cell, worker } = user();
  const shop = new Cluster(stack, "Shop", { cell, clusterName: "shop" });
  worker.connections.allowTo(cell, shop.kafkaPort);
  const rules = Object.values(
    resourcesOf(Template.fromStack(stack), "AWS::EC2::SecurityGroupIngress"),
  );
  expect(rules).toHaveLength(2);
  for (const { Properties } of rules)
    expect(Properties["FromPort"]).toEqual({ "Fn::GetAtt": [expect.any(String), "KafkaPort"] });
  expect(new Set(rules.map(({ Properties }) => JSON.stringify(Properties["GroupId"]))).size).toBe(
    2,
  );
});

test("without a word about ports, the first cluster's is meant", () => {
  const { stack, cell, worker } = user();
  worker.connections.allowToDefaultPort(cell);
  Template.fromStack(stack).hasResourceProperties("AWS::EC2::SecurityGroupIngress", {
    FromPort: 9092,
    ToPort: 9092,
  });
  expect(cell.connections.defaultPort?.toString()).toBe(Port.tcp(9092).toString());
});

test("who may manage a cell may call every route of its API, and nothing else", () => {
  const { stack, cell } = user();
  const role = new Role(stack, "Admin", { assumedBy: new ServicePrincipal("ec2.amazonaws.com") });
  cell.grantManage(role);
  Template.fromStack(stack).hasResourceProperties("AWS::IAM::Policy", {
    PolicyDocument: {
      Statement: [
        {
          Action: "execute-api:Invoke",
          Effect: "Allow",
          Resource: {
            "Fn::Join": [
              "",
              [
                "arn:",
                { Ref: "AWS::Partition" },
                ":execute-api:",
                { Ref: "AWS::Region" },
                ":",
                { Ref: "AWS::AccountId" },
                ":abc/*",
              ],
            ],
          },
        },
      ],
      Version: "2012-10-17",
    },
  });
});

test("a role cannot be let in where the API takes tokens, and the error says so", () => {
  const access = ApiAccess.jwt({ issuer: "https://id.example", audience: ["myelin"] });
  const { stack, cell } = user({ access });
  const role = new Role(stack, "Admin", { assumedBy: new ServicePrincipal("ec2.amazonaws.com") });
  expect(() => cell.grantManage(role)).toThrow(/takes tokens of https:\/\/id\.example/);
});

test("what brokers say of a cell can be looked at from another stack", () => {
  const { cell } = user();
  const shown = (metric: Metric) => {
    const { namespace, metricName, dimensions, statistic } =
      metric.toMetricConfig().metricStat ?? {};
    return { namespace, metricName, dimensions, statistic };
  };
  const namespace = "Myelin";
  const dimensions = [{ name: "Cell", value: "prod" }];
  expect(shown(cell.metricOfflinePartitions())).toEqual({
    namespace,
    metricName: "OfflinePartitions",
    dimensions,
    statistic: "Maximum",
  });
  expect(shown(cell.metricActiveBrokers()).statistic).toBe("Minimum");
  expect(shown(cell.metricMissingBrokers())).toMatchObject({
    metricName: "MissingBrokers",
    dimensions,
  });
  expect(shown(cell.metricOfZone("eu-central-1a", "BytesIn", { statistic: "sum" }))).toEqual({
    namespace,
    metricName: "BytesIn",
    dimensions: [...dimensions, { name: "Zone", value: "eu-central-1a" }],
    statistic: "Sum",
  });
});

test("every metric of its own that the stack looks at is one that brokers or the reconcile task write", () => {
  const stack = newStack(newApp(), { cell: { profile: Profile.dev() } });
  const alarms = Object.values(resourcesOf(Template.fromStack(stack), "AWS::CloudWatch::Alarm"));
  const own = alarms.filter(
    ({ Properties }) =>
      Properties["Namespace"] === "Myelin" &&
      !String(Properties["MetricName"]).startsWith("BrokerErrors-"),
  );
  const cellHealth = {
    offlinePartitions: 1,
    underMinIsrPartitions: 1,
    underReplicatedPartitions: 1,
    activeBrokers: 1,
  };
  const load = { atMs: 0, connectionCount: 0, busyShare: 0 } as LoadSample;
  type Line = {
    _aws: {
      CloudWatchMetrics: {
        Namespace: string;
        Dimensions: string[][];
        Metrics: { Name: string }[];
      }[];
    };
  };
  const ofBroker = emfLine(
    { cell: "myelin", zone: "z", brokerId: 1 },
    { load, failedRequests: 0, logBytes: 0, cellHealth },
  );
  const ofTask = missingBrokersLine({ cell: "myelin", atMs: 0, missingCount: 1 });
  const directives = [ofBroker, ofTask].flatMap((line) => (line as Line)._aws.CloudWatchMetrics);
  expect(new Set(directives.map(({ Namespace }) => Namespace))).toEqual(new Set(["Myelin"]));
  const written = directives.flatMap(({ Dimensions, Metrics }) =>
    Metrics.map(({ Name }) => `${Name} by ${Dimensions[0]?.join()}`),
  );
  const looked = own.map(({ Properties: { MetricName, Dimensions } }) => {
    const names = (Dimensions as { Name: string }[]).map(({ Name }) => Name);
    return `${String(MetricName)} by ${names.join()}`;
  });
  expect(looked.length).toBeGreaterThan(4);
  expect(written).toEqual(expect.arrayContaining(looked));
});

test("a setting that is given twice is refused", () => {
  const { stack, cell } = user();
  const shop = new Cluster(stack, "Shop", { cell, clusterName: "shop" });
  const twice = { retention: Duration.days(1), configs: { "retention.ms": "1" } };
  expect(() => shop.addTopic("orders", twice)).toThrow(/retention\.ms is given twice/);
});
