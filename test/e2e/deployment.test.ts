import { randomInt } from "node:crypto";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { DynamoDBClient, ListTablesCommand } from "@aws-sdk/client-dynamodb";
import { DescribeServicesCommand, UpdateTaskProtectionCommand } from "@aws-sdk/client-ecs";
import { ListBucketsCommand } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ReconcileResult } from "../../functions/reconcile/reconcile.ts";
import type { Cluster } from "../../sdk/src/cluster.ts";
import { Myelin } from "../../sdk/src/myelin.ts";
import { runMyelin } from "../support/myelin-command.ts";
import { startMyelin } from "../support/myelin-process.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import type { Cdk } from "./emulated/cdk.ts";
import { cdkOn } from "./emulated/cdk.ts";
import type { CellWatch } from "./emulated/cell-watch.ts";
import { watchCell } from "./emulated/cell-watch.ts";
import type { EmulatedAws } from "./emulated/emulated-aws.ts";
import { startEmulatedAws } from "./emulated/emulated-aws.ts";
import { notHere } from "./emulated/emulator.ts";
import type { ServiceRunner } from "./emulated/service-runner.ts";
import type { Stack } from "./emulated/stack.ts";
import { stackOn } from "./emulated/stack.ts";
import type { Task } from "./emulated/task.ts";
import { brokerIn, endOf, isRunning } from "./emulated/task.ts";
import { tellLoad } from "./emulated/told-load.ts";
import type { Traffic } from "./emulated/traffic.ts";
import { auditTraffic, startTraffic } from "./emulated/traffic.ts";
import type { Stopped } from "./emulated/unkind-ecs.ts";
import { chooseUnkindly, loseEmptied } from "./emulated/unkind-ecs.ts";

// The whole of it as a user deploys it: the real `cdk`, templates, bundles of functions and brokers, on an emulator of AWS. Its tasks are no processes, so
// the test has a data plane for its ECS (service-runner.ts): as many brokers as the services want, with the command and the environment that their task
// definition has, each on a loopback address of its own.

const network = `127.${randomInt(10, 250)}.${randomInt(1, 250)}`;
/** Two brokers in each of three zones, and addresses for successors: of those that are still ending, or just have. */
const hosts = Array.from({ length: 9 }, (_, index) => `${network}.${index + 1}`);
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
  let aws: EmulatedAws;
  let dynamo: DynamoDBClient;
  let stack: Stack;
  let runner: ServiceRunner;
  let cdk: Cdk;
  let outputs: Record<string, string>;
  let zones: [zone: string, service: string][];
  let myelin: Myelin;
  let shop: Cluster;
  let traffic: Traffic;
  let watch: CellWatch;
  /** What was in the object store for certain, by partition and offset. */
  let sealed: string[] = [];
  const stopped: Stopped[] = [];

  beforeAll(async () => {
    const say = process.env["E2E_LOG"] === undefined ? () => undefined : console.log;
    aws = await startEmulatedAws({ directory: directory.path, hosts, say, choose });
    cdk = cdkOn(aws.emulator, directory.path);
    dynamo = new DynamoDBClient(aws.client);
    stack = stackOn(aws.client);
  }, 60_000);

  afterAll(async () => {
    // Where a test has failed they go on.
    void Promise.all([traffic?.stop(), watch?.stop()]);
    await aws?.close();
    directory[Symbol.dispose]();
  }, 60_000);

  test("cdk bootstrap and cdk deploy put it there, functions before brokers, with the cluster of the stack", async () => {
    await cdk.bootstrap();
    outputs = await cdk.deploy(context);
    myelin = new Myelin({ url: outputs["ApiUrl"] ?? "", fetch: aws.emulator.fetch("execute-api") });
    const services = (await functionVariables(outputs["ReconcileFunction"]))["MYELIN_ECS_SERVICES"];
    zones = Object.entries(JSON.parse(services ?? "{}") as Record<string, string>);
    expect(zones).toHaveLength(3);
    const completed = await stack.completedTypes();
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
    runner = await aws.run();
    await untilInService(1);
    shop = await myelin.clusters.get("shop");
    for (const { host } of running()) expect(shop.bootstrapServers).toContain(`${host}:9192`);
    await writeAndRead(shop, "orders");
  }, 180_000);

  test("the deployed reconcile function gives a busy cell more brokers, and they are in service", async () => {
    await shop.topics.create({ name: "through-it-all", partitions: 6 });
    traffic = startTraffic(shop, "through-it-all");
    watch = watchCell(myelin);
    expect(await desiredCounts()).toEqual([1, 1, 1]);
    // What a broker says by itself comes once a minute, and may be in the way.
    await expect
      .poll(() => reconcile("busy"), { timeout: 30_000, interval: 1_000 })
      .toMatchObject({ perZone: { atLeast: 2 } });
    expect(await desiredCounts()).toEqual([2, 2, 2]);
    await untilInService(2);
  }, 120_000);

  test("a second deployment adds fifty topics of the stack at once, and nobody notices", async () => {
    await cdk.deploy({ ...context, topics: topicsOfStack });
    const main = await myelin.clusters.get("main");
    const topics = await main.topics.list();
    expect(topics).toHaveLength(50);
    expect(topics).toContainEqual(expect.objectContaining({ name: "payments", partitions: 4 }));
    await writeAndRead(main, "payments");
    await writeAndRead(shop, "orders");
  }, 300_000);

  test("a quiet cell gives one broker after the other back, each of them empty, and nobody notices", async () => {
    expect(await desiredCounts()).toEqual([2, 2, 2]);
    // The controller balances once a minute; it moves what is busiest.
    const newcomers = running().slice(3).map(brokerIn);
    const places = async (): Promise<number[]> =>
      (await shop.topics.partitions("through-it-all")).flatMap(({ inSync }) => inSync);
    await expect
      .poll(async () => (await places()).some((id) => newcomers.includes(id)), { timeout: 90_000 })
      .toBe(true);
    // In one zone as an earlier scale-in has left those that it did not mean: for ten minutes nobody could be stopped.
    await protectZone(zones.at(-1)?.[0] ?? "");
    let lost: number | null = null;
    const failures: (string | null)[] = [];
    const untilMs = Date.now() + 120_000;
    while (running().length > 3 || (await desiredCounts()).some((count) => count !== 1)) {
      // The first to be empty ends by itself, before its task is taken away: another comes in its place, which is one too many again.
      if (lost === null && watch.drained.length > 0) lost = await loseEmptied(myelin, aws.tasks);
      else failures.push(...(await reconcile("quiet")).done.map(({ failure }) => failure));
      // ECS has an empty one to choose, and no other.
      for (const each of stopped) expect(each).toMatchObject({ freeCount: 1, replicas: 0 });
      expect(Date.now(), "it goes on").toBeLessThan(untilMs);
      await sleep(250);
    }
    await untilInService(1);
    await Promise.all([traffic.stop(), watch.stop()]);
    expect(stopped).toMatchObject(zones.map(() => ({ freeCount: 1, replicas: 0 })));
    // One that is ending, by its own will or not, is one that is emptied until the cell has noticed.
    const inTheWay = /^broker \d+ is being emptied already$/;
    expect(failures.filter((each) => each !== null && !inTheWay.test(each))).toEqual([]);
    const ended = stopped.map(({ broker }) => broker);
    expect(watch.drained).toEqual([lost, ...ended]);
    expect(await exitCodes()).toEqual(
      new Map([[lost, null], ...ended.map((id) => [id, 0] as const)]),
    );
    expect(watch.problems).toEqual([]);
    expect(watch.looks()).toBeGreaterThan(30);
    expect(traffic.acknowledged.length).toBeGreaterThan(1_000);
    expect(await auditTraffic(shop, "through-it-all", traffic)).toEqual([]);
  }, 240_000);

  test("a cell told to sleep gives every disk back, and wakes on empty ones with what it had", async () => {
    const before = await valuesOf(shop, "orders");
    expect(before.length).toBeGreaterThanOrEqual(200);
    sealed = before;
    await myelin.cell.sleep();
    await expect
      .poll(async () => (await myelin.cell.status()).state, { timeout: 60_000 })
      .toBe("asleep");
    // One that ended by itself would be started again, and wake the cell: they wait until their services want none.
    const asleep = running();
    await invoke(outputs["ReconcileFunction"]);
    expect(await desiredCounts()).toEqual([0, 0, 0]);
    expect(await Promise.all(asleep.map(endOf))).toEqual([0, 0, 0]);
    await shop.topics.create({ name: "by-night", partitions: 2 });
    await myelin.cell.wake();
    await invoke(outputs["ReconcileFunction"]);
    expect(await desiredCounts()).toEqual([1, 1, 1]);
    await untilInService(1);
    expect(await valuesOf(shop, "orders")).toEqual(before);
    await writeAndRead(shop, "orders");
    await writeAndRead(shop, "by-night");
    await shop.topics.delete("by-night");
  }, 240_000);

  test("with every broker stopped the control plane goes on", async () => {
    await runner.rest();
    const [first, ...others] = running();
    expect(await first?.broker?.stop()).toBe(0);
    // Each of these would wait for a successor, up to its time-out.
    for (const { broker } of others) await broker?.stop("SIGKILL");
    await shop.topics.create({ name: "later", partitions: 2 });
    expect((await shop.topics.list()).map(({ name }) => name)).toEqual([
      "later",
      "orders",
      "through-it-all",
    ]);
  }, 180_000);

  test("the stack goes, and leaves what its policies retain and nothing else", async () => {
    const kept = await stack.retainedTypes();
    expect(kept).toContain("AWS::DynamoDB::Table");
    expect(kept).toContain("AWS::S3::Bucket");
    await stack.delete();
    await expect
      .poll(() => stack.status(), { timeout: 60_000, interval: 500 })
      .toBe("DELETE_COMPLETE");
    const { TableNames = [] } = await dynamo.send(new ListTablesCommand());
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

  const running = (): Task[] => aws.tasks.filter(isRunning);

  async function untilInService(perZone: number): Promise<void> {
    const placed = (): Record<string, number> =>
      Object.fromEntries(
        zones.map(([zone]) => [zone, running().filter((task) => task.zone === zone).length]),
      );
    const wanted = Object.fromEntries(zones.map(([zone]) => [zone, perZone]));
    await expect.poll(placed, { timeout: 60_000 }).toEqual(wanted);
    for (const { host } of running())
      await expect
        .poll(() => statusOf(`http://${host}:9640/readyz`), { timeout: 60_000 })
        .toBe(200);
  }

  async function choose(free: readonly Task[]): Promise<Task> {
    const chosen = await chooseUnkindly(myelin, free);
    stopped.push(chosen.stopped);
    return chosen.task;
  }

  /** Of the tasks that are to run no more, by broker. */
  async function exitCodes(): Promise<Map<number, number | null>> {
    const ended = aws.tasks.filter(({ desiredStatus }) => desiredStatus === "STOPPED");
    const codes = ended.map(async (task) => [brokerIn(task), await endOf(task)] as const);
    return new Map(await Promise.all(codes));
  }

  async function protectZone(zone: string): Promise<void> {
    const own = running().filter((task) => task.zone === zone);
    const wanted = { cluster: outputs["EcsCluster"], tasks: own.map(({ taskArn }) => taskArn) };
    const asked = { ...wanted, protectionEnabled: true, expiresInMinutes: 10 };
    const { failures } = await aws.ecs.send(new UpdateTaskProtectionCommand(asked));
    expect(failures).toEqual([]);
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
    const found = new Myelin({ url, fetch: aws.emulator.fetch("execute-api") });
    const names = (await (await found.clusters.get("shop")).topics.list()).map(({ name }) => name);
    expect(names).toContain("orders");

    const data = join(directory.path, "restored");
    const args = ["cell", "restore", "--from", `s3://${bucket}`, "--data", data, "--json"];
    const { code, stderr } = await runMyelin(args, { env: aws.emulator.environment });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const elsewhere = ["--to", `s3://${bucket}`, "--table", table, "--cell", "e2e-2"];
    const inAws = ["cell", "restore", "--from", `s3://${bucket}`, "--from-cell", cell, "--json"];
    const other = await runMyelin([...inAws, ...elsewhere], { env: aws.emulator.environment });
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
    const answer = await aws.emulator.fetch(service)(`${aws.emulator.endpoint}${path}`, init);
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

  /** What it decides after a quarter of an hour of such a load. */
  async function reconcile(load: "busy" | "quiet"): Promise<ReconcileResult> {
    await tellLoad({ s3: aws.s3, bucket: outputs["Bucket"], cell, myelin }, load);
    return (await invoke(outputs["ReconcileFunction"])) as ReconcileResult;
  }

  const desiredCounts = (): Promise<(number | null)[]> =>
    Promise.all(zones.map(([, service]) => desiredCount(service)));

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
});

async function statusOf(url: string): Promise<number> {
  const answer = await fetch(url).catch(() => null);
  await answer?.body?.cancel();
  return answer?.status ?? 0;
}
