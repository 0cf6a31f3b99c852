import { randomInt } from "node:crypto";
import { join } from "node:path";
import {
  CloudFormationClient,
  DeleteStackCommand,
  DescribeStackEventsCommand,
  DescribeStacksCommand,
  GetTemplateCommand,
} from "@aws-sdk/client-cloudformation";
import { DynamoDBClient, ListTablesCommand } from "@aws-sdk/client-dynamodb";
import { DescribeServicesCommand, ECSClient } from "@aws-sdk/client-ecs";
import { ListBucketsCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { encodeLoadReport, loadKey } from "../../metadata/load/load-report.ts";
import type { Cluster } from "../../sdk/src/cluster.ts";
import { Myelin } from "../../sdk/src/myelin.ts";
import { runMyelin } from "../support/myelin-command.ts";
import { startMyelin } from "../support/myelin-process.ts";
import type { BrokerContainer } from "../support/broker-container.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import type { Cdk } from "./emulated/cdk.ts";
import { cdkOn, stackName } from "./emulated/cdk.ts";
import type { Emulator } from "./emulated/emulator.ts";
import { notHere, region, startEmulator } from "./emulated/emulator.ts";
import type { TaskMetadata } from "./emulated/task-metadata.ts";
import { startTaskMetadata } from "./emulated/task-metadata.ts";
import { startTask } from "./emulated/task-process.ts";

// The whole of it as a user deploys it: the real `cdk`, templates, bundles of functions and brokers, on an emulator of AWS. Its tasks are no processes, so
// brokers are started here, with the command and the environment that their task definition has, each on a loopback address of its own.

const network = `127.${randomInt(10, 250)}.${randomInt(1, 250)}`;
const hosts = [1, 2, 3].map((last) => `${network}.${last}`);
const skipped = await notHere(hosts, [9092, 9192, 9640]);
if (skipped !== null) console.log(skipped);

const cell = "e2e";
const context = {
  profile: "standard",
  cell,
  architecture: process.arch === "arm64" ? "arm64" : "x64",
};

const others = Array.from({ length: 49 }, (_, index) => `topic-${index}:1`);
const topicsOfStack = ["payments:4", ...others].join(",");

describe.skipIf(skipped !== null)("a cell on an emulated AWS", () => {
  const directory = temporaryDirectory();
  const brokers: BrokerContainer[] = [];
  let emulator: Emulator;
  let cdk: Cdk;
  let outputs: Record<string, string>;
  let metadata: TaskMetadata;
  let zones: [zone: string, service: string][];
  let myelin: Myelin;
  let shop: Cluster;
  /** What was in the object store for certain, by partition and offset. */
  let sealed: string[] = [];
  let aws: { ecs: ECSClient; s3: S3Client; dynamo: DynamoDBClient; stacks: CloudFormationClient };

  beforeAll(async () => {
    emulator = await startEmulator(directory.path);
    cdk = cdkOn(emulator, directory.path);
    const client = {
      endpoint: emulator.endpoint,
      region,
      credentials: { accessKeyId: "000000000000", secretAccessKey: "local" },
    };
    aws = {
      ecs: new ECSClient(client),
      s3: new S3Client({ ...client, forcePathStyle: true }),
      dynamo: new DynamoDBClient(client),
      stacks: new CloudFormationClient(client),
    };
  }, 60_000);

  afterAll(async () => {
    await Promise.all(brokers.map((each) => each.stop("SIGKILL")));
    await metadata?.close();
    await emulator?.stop();
    directory[Symbol.dispose]();
  }, 60_000);

  test("cdk bootstrap and cdk deploy put it there, functions before brokers, with the cluster of the stack", async () => {
    await cdk.bootstrap();
    outputs = await cdk.deploy(context);
    myelin = new Myelin({ url: outputs["ApiUrl"] ?? "", fetch: emulator.fetch("execute-api") });
    const services = (await functionVariables(outputs["ReconcileFunction"]))["MYELIN_ECS_SERVICES"];
    zones = Object.entries(JSON.parse(services ?? "{}") as Record<string, string>);
    expect(zones).toHaveLength(3);
    const completed = await completedResources();
    const first = (type: string) => completed.findIndex((each) => each === type);
    expect(completed.lastIndexOf("AWS::Lambda::Function")).toBeLessThan(first("AWS::ECS::Service"));
    expect((await myelin.clusters.get("main")).id).toBe(outputs["ClusterId"]);
  }, 300_000);

  test("the deployed HTTP API makes a cluster and a topic with no broker there", async () => {
    shop = await myelin.clusters.create({ name: "shop" });
    await shop.topics.create({ name: "orders", partitions: 6 });
    expect((await shop.topics.list()).map(({ name }) => name)).toEqual(["orders"]);
  }, 60_000);

  test("brokers run by their task definition's own command and environment, and serve the SDK", async () => {
    metadata = await startTaskMetadata(
      zones.map(([zone], index) => ({ zone, host: hosts[index] ?? "" })),
    );
    await startBrokers("first");
    shop = await myelin.clusters.get("shop");
    for (const host of hosts) expect(shop.bootstrapServers).toContain(`${host}:9192`);
    await writeAndRead(shop, "orders");
  }, 180_000);

  test("a second deployment adds fifty topics of the stack at once, and nobody notices", async () => {
    await cdk.deploy({ ...context, topics: topicsOfStack });
    const main = await myelin.clusters.get("main");
    const topics = await main.topics.list();
    expect(topics).toHaveLength(50);
    expect(topics).toContainEqual(expect.objectContaining({ name: "payments", partitions: 4 }));
    await writeAndRead(main, "payments");
    await writeAndRead(shop, "orders");
  }, 300_000);

  test("the deployed reconcile function gives a busy cell more brokers, and ECS has them", async () => {
    for (const [, service] of zones) expect(await desiredCount(service)).toBe(1);
    // What a broker says by itself comes once a minute, and may be in the way.
    await expect
      .poll(
        async () => {
          await sayBusy();
          return invoke(outputs["ReconcileFunction"]);
        },
        { timeout: 30_000, interval: 1_000 },
      )
      .toMatchObject({ perZone: { atLeast: 2 } });
    for (const [, service] of zones) expect(await desiredCount(service)).toBe(2);
  }, 60_000);

  test("a cell told to sleep gives every disk back, and wakes on empty ones with what it had", async () => {
    const before = await valuesOf(shop, "orders");
    expect(before.length).toBeGreaterThanOrEqual(200);
    sealed = before;
    await myelin.cell.sleep();
    await expect
      .poll(async () => (await myelin.cell.status()).state, { timeout: 60_000 })
      .toBe("asleep");
    // One that ended by itself would be started again, and wake the cell: they wait until their services want none.
    await invoke(outputs["ReconcileFunction"]);
    for (const [, service] of zones) expect(await desiredCount(service)).toBe(0);
    const stopped = await Promise.all(brokers.splice(0).map((each) => each.stop()));
    expect(stopped).toEqual([0, 0, 0]);
    await shop.topics.create({ name: "by-night", partitions: 2 });
    await myelin.cell.wake();
    await invoke(outputs["ReconcileFunction"]);
    for (const [, service] of zones) expect(await desiredCount(service)).toBeGreaterThan(0);
    await startBrokers("second");
    expect(await valuesOf(shop, "orders")).toEqual(before);
    await writeAndRead(shop, "orders");
    await writeAndRead(shop, "by-night");
    await shop.topics.delete("by-night");
  }, 240_000);

  test("with every broker stopped the control plane goes on", async () => {
    const [first, ...others] = brokers;
    expect(await first?.stop()).toBe(0);
    // Each of these would wait for a successor, up to its time-out.
    await Promise.all(others.map((each) => each.stop("SIGKILL")));
    await shop.topics.create({ name: "later", partitions: 2 });
    expect((await shop.topics.list()).map(({ name }) => name)).toEqual(["later", "orders"]);
  }, 180_000);

  test("the stack goes, and leaves what its policies retain and nothing else", async () => {
    const kept = await retainedTypes();
    expect(kept).toContain("AWS::DynamoDB::Table");
    expect(kept).toContain("AWS::S3::Bucket");
    await aws.stacks.send(new DeleteStackCommand({ StackName: stackName }));
    await expect.poll(stackStatus, { timeout: 60_000, interval: 500 }).toBe("DELETE_COMPLETE");
    const { TableNames = [] } = await aws.dynamo.send(new ListTablesCommand());
    expect(TableNames).toEqual([outputs["MetadataTable"]]);
    const { Buckets = [] } = await aws.s3.send(new ListBucketsCommand());
    const own = Buckets.map(({ Name = "" }) => Name).filter((name) => !name.startsWith("cdk-"));
    expect(own).toEqual([outputs["Bucket"]]);
    const functions = await asJson<{ Functions: unknown[] }>("lambda", "/2015-03-31/functions/");
    expect(functions.Functions).toEqual([]);
    const apis = await asJson<{ items?: unknown[] }>("apigateway", "/v2/apis");
    expect(apis.items ?? []).toEqual([]);
    for (const [, service] of zones) expect(await desiredCount(service)).toBeNull();
  }, 120_000);

  /** One in each zone, with empty disks. */
  async function startBrokers(life: string): Promise<void> {
    for (const [index, [, service]] of zones.entries()) {
      brokers.push(
        await startTask({
          ...aws,
          cluster: outputs["EcsCluster"] ?? "",
          service,
          directory: join(directory.path, `${life}-task-${index}`),
          environment: {
            ...metadata.environmentOf(index),
            MYELIN_LISTEN_HOST: hosts[index] ?? "",
            AWS_REGION: region,
            AWS_ACCESS_KEY_ID: "000000000000",
            AWS_SECRET_ACCESS_KEY: "local",
          },
        }),
      );
    }
    for (const broker of brokers) await broker.whenSaid("the broker is up");
    for (const host of hosts)
      await expect
        .poll(() => statusOf(`http://${host}:9640/readyz`), { timeout: 60_000 })
        .toBe(200);
  }

  /** Every record of a topic: where it is and what it says. */
  async function valuesOf(cluster: Cluster, topic: string): Promise<string[]> {
    const found: string[] = [];
    const reader = cluster.reader({ topics: [topic], from: "beginning", untilEnd: true });
    for await (const { partition, offset, value } of reader)
      found.push(`${partition} ${offset} ${String(value)}`);
    return found.sort();
  }

  test("what the stack has left is deployed again, with its clusters and topics, and restored elsewhere", async () => {
    const { MetadataTable: table = "", Bucket: bucket = "", KeyArn: key = "" } = outputs;
    const again = await cdk.deploy({ ...context, topics: topicsOfStack, table, bucket, key });
    expect(again["ClusterId"]).toBe(outputs["ClusterId"]);
    const url = again["ApiUrl"] ?? "";
    const found = new Myelin({ url, fetch: emulator.fetch("execute-api") });
    const names = (await (await found.clusters.get("shop")).topics.list()).map(({ name }) => name);
    expect(names).toContain("orders");

    const data = join(directory.path, "restored");
    const args = ["cell", "restore", "--from", `s3://${bucket}`, "--data", data, "--json"];
    const { code, stderr } = await runMyelin(args, { env: emulator.environment });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const elsewhere = ["--to", `s3://${bucket}`, "--table", table, "--cell", "e2e-2"];
    const inAws = ["cell", "restore", "--from", `s3://${bucket}`, "--from-cell", cell, "--json"];
    const other = await runMyelin([...inAws, ...elsewhere], { env: emulator.environment });
    expect(other.stderr).toBe("");
    expect(JSON.parse(other.stdout)).toMatchObject({ kind: "restored", kept: [] });
    const local = await startMyelin({ data });
    try {
      const restored = await new Myelin({ url: local.url }).clusters.get("shop");
      const records = new Set(await valuesOf(restored, "orders"));
      for (const each of sealed) expect(records).toContain(each);
    } finally {
      await local.stop();
    }
  }, 240_000);

  async function writeAndRead(cluster: Cluster, topic: string): Promise<void> {
    await using producer = cluster.producer();
    const values = Array.from({ length: 100 }, (_, index) => `${Date.now()}-${index}`);
    await Promise.all(
      values.map((value, index) => producer.send(topic, { key: `${index}`, value })),
    );
    const missing = new Set(values);
    for await (const { value } of cluster.reader({ topics: [topic], from: "beginning" })) {
      missing.delete(value);
      if (missing.size === 0) break;
    }
  }

  async function asJson<Body>(
    service: string,
    path: string,
    init: RequestInit = {},
  ): Promise<Body> {
    const answer = await emulator.fetch(service)(`${emulator.endpoint}${path}`, init);
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${path} answers ${answer.status} ${text}`);
    return JSON.parse(text) as Body;
  }

  async function functionVariables(name = ""): Promise<Record<string, string>> {
    type Described = { Configuration: { Environment: { Variables: Record<string, string> } } };
    const path = `/2015-03-31/functions/${name}`;
    return (await asJson<Described>("lambda", path)).Configuration.Environment.Variables;
  }

  function invoke(name = ""): Promise<unknown> {
    const path = `/2015-03-31/functions/${name}/invocations`;
    return asJson("lambda", path, { method: "POST", body: "{}" });
  }

  /** Reports of all three brokers, as they would be after a quarter of an hour of hard work. */
  async function sayBusy(): Promise<void> {
    const sample = {
      atMs: Date.now(),
      seconds: 60,
      bytesInPerSecond: 1_000_000,
      bytesOutPerSecond: 3_000_000,
      clientBytesPerSecond: 2_000_000,
      connectionCount: 100,
      busyShare: 0.95,
    };
    const samples = Array.from({ length: 15 }, () => sample);
    for (const broker of brokers) {
      const { broker: brokerId = 0, zone = "" } = (await broker.whenSaid("the broker is up")) as {
        broker?: number;
        zone?: string;
      };
      await aws.s3.send(
        new PutObjectCommand({
          Bucket: outputs["Bucket"],
          Key: loadKey(cell, brokerId),
          Body: encodeLoadReport({ brokerId, zone, samples }),
        }),
      );
    }
  }

  /** Null for a service that is not there. */
  async function desiredCount(service: string): Promise<number | null> {
    const wanted = { cluster: outputs["EcsCluster"], services: [service] };
    try {
      const { services = [] } = await aws.ecs.send(new DescribeServicesCommand(wanted));
      const [found] = services;
      return found?.status === "ACTIVE" ? (found.desiredCount ?? 0) : null;
    } catch (error) {
      if ((error as Error).name === "ClusterNotFoundException") return null;
      throw error;
    }
  }

  /** Types of the stack's resources in the order in which they were done. */
  async function completedResources(): Promise<string[]> {
    const types: string[] = [];
    let NextToken: string | undefined;
    do {
      const page = await aws.stacks.send(
        new DescribeStackEventsCommand({
          StackName: stackName,
          ...(NextToken === undefined ? {} : { NextToken }),
        }),
      );
      for (const event of page.StackEvents ?? [])
        if (event.ResourceStatus === "CREATE_COMPLETE") types.unshift(event.ResourceType ?? "");
      ({ NextToken } = page);
    } while (NextToken !== undefined);
    return types;
  }

  async function retainedTypes(): Promise<string[]> {
    const { TemplateBody = "" } = await aws.stacks.send(
      new GetTemplateCommand({ StackName: stackName }),
    );
    type Template = { Resources: Record<string, { Type: string; DeletionPolicy?: string }> };
    const { Resources } = JSON.parse(TemplateBody) as Template;
    return Object.values(Resources).flatMap(({ Type, DeletionPolicy }) =>
      DeletionPolicy === "Retain" ? [Type] : [],
    );
  }

  async function stackStatus(): Promise<string> {
    try {
      const { Stacks = [] } = await aws.stacks.send(
        new DescribeStacksCommand({ StackName: stackName }),
      );
      return Stacks[0]?.StackStatus ?? "DELETE_COMPLETE";
    } catch (error) {
      if ((error as Error).message.includes("does not exist")) return "DELETE_COMPLETE";
      throw error;
    }
  }
});

async function statusOf(url: string): Promise<number> {
  const answer = await fetch(url).catch(() => null);
  await answer?.body?.cancel();
  return answer?.status ?? 0;
}
