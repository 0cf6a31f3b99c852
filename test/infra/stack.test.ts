import { Match } from "aws-cdk-lib/assertions";
import { describe, expect, test } from "vitest";
import { packsPrefix } from "../../broker/tiering/object-keys.ts";
import { loadPrefix } from "../../metadata/load/load-report.ts";
import { resourcesOf, synth } from "./synth.ts";

type LifecycleRule = {
  readonly Prefix?: string;
  readonly Status: string;
  readonly NoncurrentVersionExpiration?: { readonly NoncurrentDays: number };
};

const template = synth({ topics: { orders: 6 } });
const all = Object.values(template.toJSON()["Resources"] as Record<string, { Type: string }>);

describe("who can reach a cell", () => {
  test("no security group lets an address in", () => {
    const inline = Object.values(resourcesOf(template, "AWS::EC2::SecurityGroup"));
    expect(inline).toHaveLength(2);
    expect(inline.filter(({ Properties }) => "SecurityGroupIngress" in Properties)).toEqual([]);
    const rules = Object.values(resourcesOf(template, "AWS::EC2::SecurityGroupIngress"));
    expect(rules.length).toBeGreaterThan(0);
    for (const { Properties } of rules) {
      expect(Properties).toHaveProperty("SourceSecurityGroupId");
      expect(Properties).not.toHaveProperty("CidrIp");
    }
  });

  test("brokers reach each other, and the load balancer reaches them, at known ports only", () => {
    const rules = Object.values(resourcesOf(template, "AWS::EC2::SecurityGroupIngress"));
    const ports = rules.map(({ Properties: { FromPort, ToPort } }) => {
      expect(ToPort).toBe(FromPort);
      return Number(FromPort);
    });
    const balanced = [9092, 9192, 9292, 9392, 9492, 9640];
    expect(ports.sort((a, b) => a - b)).toEqual([9092, ...balanced]);
  });

  test("the load balancer is inside the VPC, and answers in the zone of who asks", () => {
    template.hasResourceProperties("AWS::ElasticLoadBalancingV2::LoadBalancer", {
      Scheme: "internal",
      LoadBalancerAttributes: Match.arrayWith([
        { Key: "load_balancing.cross_zone.enabled", Value: "false" },
        { Key: "dns_record.client_routing_policy", Value: "availability_zone_affinity" },
      ]),
    });
  });

  test("every route of the HTTP API asks for a signature", () => {
    const routes = Object.values(resourcesOf(template, "AWS::ApiGatewayV2::Route"));
    expect(routes).toHaveLength(1);
    for (const { Properties } of routes) expect(Properties["AuthorizationType"]).toBe("AWS_IAM");
    expect(all.some(({ Type }) => Type === "AWS::Lambda::Url")).toBe(false);
  });
});

describe("what a cell keeps", () => {
  test("the bucket is encrypted with the cell's key, versioned, and closed to the public", () => {
    template.hasResourceProperties("AWS::S3::Bucket", {
      BucketEncryption: {
        ServerSideEncryptionConfiguration: [
          {
            BucketKeyEnabled: true,
            ServerSideEncryptionByDefault: Match.objectLike({ SSEAlgorithm: "aws:kms" }),
          },
        ],
      },
      VersioningConfiguration: { Status: "Enabled" },
      PublicAccessBlockConfiguration: {
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      },
    });
  });

  const rules = Object.values(resourcesOf(template, "AWS::S3::Bucket")).flatMap(
    ({ Properties }) => (Properties["LifecycleConfiguration"] as { Rules: LifecycleRule[] }).Rules,
  );

  test("no rule of the bucket ever takes a current object, and all are in force", () => {
    const known = [
      "AbortIncompleteMultipartUpload",
      "ExpiredObjectDeleteMarker",
      "Id",
      "NoncurrentVersionExpiration",
      "Prefix",
      "Status",
    ];
    expect(rules.length).toBeGreaterThan(0);
    for (const rule of rules) {
      expect(known).toEqual(expect.arrayContaining(Object.keys(rule)));
      expect(rule.Status).toBe("Enabled");
    }
  });

  test("old versions go after a week, those of packs and load reports after a day", () => {
    const days = rules.map((rule) => [
      rule.Prefix ?? "",
      rule.NoncurrentVersionExpiration?.NoncurrentDays,
    ]);
    expect(days).toEqual([
      ["", 7],
      [packsPrefix("myelin"), 1],
      [loadPrefix("myelin"), 1],
    ]);
  });

  test("markers of what was deleted, and parts of uploads that never ended, go everywhere", () => {
    expect(rules.find(({ Prefix }) => Prefix === undefined)).toMatchObject({
      ExpiredObjectDeleteMarker: true,
      AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 },
    });
  });

  test("the table has the metadata log's keys, can be restored, and cannot be deleted", () => {
    template.hasResourceProperties("AWS::DynamoDB::Table", {
      KeySchema: [
        { AttributeName: "log", KeyType: "HASH" },
        { AttributeName: "revision", KeyType: "RANGE" },
      ],
      AttributeDefinitions: [
        { AttributeName: "log", AttributeType: "S" },
        { AttributeName: "revision", AttributeType: "N" },
      ],
      BillingMode: "PAY_PER_REQUEST",
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
      DeletionProtectionEnabled: true,
      TimeToLiveSpecification: Match.absent(),
    });
  });

  test("table, bucket and key outlive the stack, and so do clusters and topics", () => {
    const kept = ["AWS::DynamoDB::Table", "AWS::S3::Bucket", "AWS::KMS::Key"];
    for (const type of [...kept, "Custom::MyelinCluster", "Custom::MyelinTopic"])
      for (const resource of Object.values(resourcesOf(template, type)))
        expect(resource.DeletionPolicy, type).toBe("Retain");
  });

  test("every log ends some day", () => {
    for (const { Properties } of Object.values(resourcesOf(template, "AWS::Logs::LogGroup")))
      expect(Properties["RetentionInDays"]).toBe(30);
  });
});

describe("the brokers", () => {
  const services = resourcesOf(template, "AWS::ECS::Service");
  const ids = Object.keys(services);

  test("are one service per zone, each deployed after the one before it", () => {
    expect(ids).toHaveLength(3);
    const before = ids.map((id) => services[id]?.DependsOn?.filter((each) => ids.includes(each)));
    expect(before.map((each) => each?.length)).toEqual([0, 1, 1]);
    expect(before[1]).toEqual([ids[0]]);
    expect(before[2]).toEqual([ids[1]]);
  });

  test("are deployed after every function of the cell", () => {
    const functions = Object.entries(resourcesOf(template, "AWS::Lambda::Function"))
      .filter(([, { Properties }]) => !String(Properties["Handler"]).startsWith("framework."))
      .map(([id]) => id);
    expect(functions).toHaveLength(4);
    for (const id of ids)
      expect(services[id]?.DependsOn).toEqual(expect.arrayContaining(functions));
  });

  test("stop before they start, and are moved by nobody", () => {
    for (const id of ids)
      expect(services[id]?.Properties).toMatchObject({
        AvailabilityZoneRebalancing: "DISABLED",
        DeploymentConfiguration: {
          MinimumHealthyPercent: 0,
          MaximumPercent: 100,
          DeploymentCircuitBreaker: { Enable: true, Rollback: true },
        },
      });
  });

  test("are as many as the reconcile task says: a deployment does not", () => {
    for (const id of ids) expect(services[id]?.Properties).not.toHaveProperty("DesiredCount");
  });

  test("have two minutes to stop, run as nobody special, and cannot be held up by their log", () => {
    template.hasResourceProperties("AWS::ECS::TaskDefinition", {
      RuntimePlatform: { CpuArchitecture: "ARM64", OperatingSystemFamily: "LINUX" },
      EphemeralStorage: { SizeInGiB: 50 },
      ContainerDefinitions: Match.arrayWith([
        Match.objectLike({
          Name: "broker",
          StopTimeout: 120,
          User: "1000:1000",
          LogConfiguration: { Options: Match.objectLike({ mode: "non-blocking" }) },
          DependsOn: [{ Condition: "SUCCESS", ContainerName: "code" }],
        }),
      ]),
    });
  });

  test("are told what the environment of a broker is", () => {
    expect(environmentNames("broker")).toEqual([
      "MYELIN_BUCKET",
      "MYELIN_CELL",
      "MYELIN_DATA_DIR",
      "MYELIN_HTTP_PORT",
      "MYELIN_KMS_KEY_ID",
      "MYELIN_METADATA_TABLE",
      "MYELIN_PORT",
      "MYELIN_PROFILE",
      "MYELIN_STOP_TIMEOUT_S",
    ]);
  });
});

describe("what is done on a schedule", () => {
  test("begins after the brokers are there", () => {
    const services = Object.keys(resourcesOf(template, "AWS::ECS::Service"));
    const schedules = Object.values(resourcesOf(template, "AWS::Scheduler::Schedule"));
    expect(schedules).toHaveLength(2);
    for (const { DependsOn } of schedules)
      expect(DependsOn).toEqual(expect.arrayContaining(services));
  });

  test("is done once by each run: what failed is left to the next", () => {
    const schedules = Object.values(resourcesOf(template, "AWS::Scheduler::Schedule"));
    const once = { MaximumRetryAttempts: 0, MaximumEventAgeInSeconds: 60 };
    for (const { Properties } of schedules)
      expect(Properties["Target"]).toMatchObject({ RetryPolicy: once });
    const asked = schedules.map(({ Properties }) => {
      const { Arn } = Properties["Target"] as { Arn: { "Fn::GetAtt": [string, string] } };
      return Arn["Fn::GetAtt"][0];
    });
    const repeats = Object.values(resourcesOf(template, "AWS::Lambda::EventInvokeConfig"));
    expect(repeats.map(({ Properties }) => Properties)).toEqual(
      asked.map((Ref) => ({ FunctionName: { Ref }, Qualifier: "$LATEST", ...once })),
    );
  });

  test("the reconcile function is told the zones' services by name", () => {
    const Variables = functionEnvironment("reconcile.handler");
    const written = (Variables["MYELIN_ECS_SERVICES"] as { "Fn::Join": [string, unknown[]] })[
      "Fn::Join"
    ][1].map((part) => (typeof part === "string" ? part : "zone"));
    expect(JSON.parse(written.join("").replace(/zone/g, "z"))).toEqual({
      z: "myelin-myelin-3",
    });
    expect(Variables).toMatchObject({
      MYELIN_ECS_CLUSTER: "myelin-myelin",
      MYELIN_MIN_PER_ZONE: "1",
      MYELIN_MAX_PER_ZONE: "4",
      MYELIN_SLEEP_WHEN_IDLE: "false",
    });
  });
});

test("the API names the load balancer while no broker is registered", () => {
  const [balancer] = Object.keys(
    resourcesOf(template, "AWS::ElasticLoadBalancingV2::LoadBalancer"),
  );
  expect(functionEnvironment("api.handler")).toMatchObject({
    MYELIN_BOOTSTRAP_HOST: { "Fn::GetAtt": [balancer, "DNSName"] },
    MYELIN_PORT: "9092",
    MYELIN_HTTP_PORT: "9640",
  });
});

test("every alarm names the page that says what to do", () => {
  const alarms = Object.values(resourcesOf(template, "AWS::CloudWatch::Alarm"));
  expect(alarms.length).toBeGreaterThan(8);
  for (const { Properties } of alarms)
    expect(Properties["AlarmDescription"]).toMatch(/\(docs\/operating\/alarms\.md, "[A-Za-z]+"\)$/);
});

function environmentNames(container: string): string[] {
  const [task] = Object.values(resourcesOf(template, "AWS::ECS::TaskDefinition"));
  const containers = task?.Properties["ContainerDefinitions"] as {
    Name: string;
    Environment?: { Name: string }[];
  }[];
  const found = containers.find(({ Name }) => Name === container);
  return (found?.Environment ?? []).map(({ Name }) => Name).sort();
}

function functionEnvironment(handler: string): Record<string, unknown> {
  const found = Object.values(resourcesOf(template, "AWS::Lambda::Function")).find(
    ({ Properties }) => Properties["Handler"] === handler,
  );
  if (found === undefined) throw new Error(`no function has the handler ${handler}`);
  return (found.Properties["Environment"] as { Variables: Record<string, unknown> }).Variables;
}
