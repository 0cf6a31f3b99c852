// A Kafka client through the tunnel, with brokers of this machine in place of tasks and a forwarder in place of the Session Manager.
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { request } from "node:http";
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { Kafka, logLevel } from "kafkajs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { repository } from "../../../infra/assets/repository.ts";
import type { TestBroker } from "../../../sdk/src/testing.ts";
import { createTestBroker } from "../../../sdk/src/testing.ts";
import { Myelin } from "../../../sdk/src/myelin.ts";
import type { SignedApi } from "../../support/signed-api.ts";
import { serveSigned } from "../../support/signed-api.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

const directory = temporaryDirectory();
const aws = join(directory.path, "aws");
const calls = join(directory.path, "calls");
const program = [join(repository, "sdk/bin/myelin.js"), "tunnel"];
const command = [...program, "--ecs-cluster", "cell"];
const keys = { accessKeyId: "AKIDEXAMPLE", secret: "secret" };
let broker: TestBroker;
let tunnel: ChildProcess;
let bootstrapServers = "";
let apiUrl = "";
let api: SignedApi;

beforeAll(async () => {
  broker = await createTestBroker();
  await broker.topics.create("orders", { partitions: 3 });
  const script = resolve(repository, "test/support/fake-aws.ts");
  writeFileSync(aws, `#!/bin/sh\nexec "${process.execPath}" "${script}" "$@"\n`);
  chmodSync(aws, 0o755);
  api = await serveSigned(await broker.url(), keys);
  const [, kafkaPort] = broker.bootstrapServers.split(":");
  tunnel = spawn(
    process.execPath,
    [
      ...command,
      "--json",
      "--aws",
      aws,
      "--port",
      "0",
      "--kafka-port",
      kafkaPort ?? "",
      "--http-port",
      "0",
      "--api-url",
      api.url,
      "--region",
      "eu-central-1",
    ],
    { env: { ...process.env, FAKE_AWS_LOG: calls }, stdio: ["ignore", "pipe", "inherit"] },
  );
  const said = await new Promise<string>((done, failed) => {
    tunnel.once("close", (code) => failed(new Error(`the tunnel ended with ${code}`)));
    tunnel.stdout?.once("data", (line: Buffer) => done(line.toString()));
  });
  ({ bootstrap_servers: bootstrapServers, api_url: apiUrl } = JSON.parse(said) as Record<
    "bootstrap_servers" | "api_url",
    string
  >);
});

afterAll(async () => {
  const ended = new Promise((done) => tunnel.once("close", done));
  tunnel.kill("SIGTERM");
  expect(await ended).toBe(0);
  await api.close();
  await broker.close();
  directory[Symbol.dispose]();
});

test("a client is sent to ports of this machine, produces, and consumes as a group", async () => {
  expect(bootstrapServers).not.toBe(broker.bootstrapServers);
  const kafka = new Kafka({ brokers: [bootstrapServers], logLevel: logLevel.NOTHING });
  const admin = kafka.admin();
  await admin.connect();
  const { brokers } = await admin.describeCluster();
  await admin.disconnect();
  expect(brokers).toHaveLength(1);
  const told = `${brokers[0]?.host}:${brokers[0]?.port}`;
  expect([broker.bootstrapServers, bootstrapServers]).not.toContain(told);

  const producer = kafka.producer();
  await producer.connect();
  const messages = Array.from({ length: 300 }, (_, index) => ({ value: `message ${index}` }));
  await producer.send({ topic: "orders", messages });
  await producer.disconnect();

  const consumer = kafka.consumer({ groupId: "billing" });
  await consumer.connect();
  await consumer.subscribe({ topic: "orders", fromBeginning: true });
  const seen = new Set<string>();
  await new Promise<void>((done, failed) => {
    consumer
      .run({
        eachMessage: async ({ message }) => {
          seen.add(message.value?.toString() ?? "");
          if (seen.size === messages.length) done();
        },
      })
      .catch(failed);
  });
  await consumer.disconnect();
  expect(seen).toEqual(new Set(messages.map(({ value }) => value)));
});

test("the SDK works through it: requests are signed, and brokers are ports of this machine", async () => {
  const myelin = new Myelin({ url: apiUrl });
  const [cluster] = await myelin.clusters.list();
  if (cluster === undefined) throw new Error("no cluster");
  expect(cluster.bootstrapServers).not.toBe(broker.bootstrapServers);
  const topic = "signed";
  await cluster.topics.create({ name: topic, partitions: 1 });
  await using producer = cluster.producer();
  await producer.send(topic, { value: "hello" });
  const reader = cluster.reader({ topics: [topic], from: "beginning" });
  for await (const { value } of reader) {
    expect(value).toBe("hello");
    break;
  }
  expect(api.refused).toBe(0);
  expect(api.answered).toBeGreaterThanOrEqual(2);
});

test("queries, bodies and problems pass as they are; unsigned there is nothing", async () => {
  const found = await fetch(`${apiUrl}/v1/clusters?name=a%20b%2Bc&page_size=5`);
  expect(await found.json()).toEqual({ data: [], next_page_token: null });
  const refused = await fetch(`${apiUrl}/v1/clusters`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ name: "" }),
  });
  expect(refused.status).toBe(400);
  expect(refused.headers.get("content-type")).toContain("application/problem+json");
  expect((await fetch(`${api.url}/v1/clusters`)).status).toBe(403);
});

test("only who is on this machine is signed for, and only the API is asked", async () => {
  const { answered } = api;
  const ask = (headers: Record<string, string>, path = "/v1/cell:sleep"): Promise<number> =>
    new Promise((done, failed) => {
      const { port } = new URL(apiUrl);
      const asked = request(
        { host: "127.0.0.1", port, path, method: "POST", headers },
        (answer) => {
          answer.resume();
          done(answer.statusCode ?? 0);
        },
      );
      asked.on("error", failed).end();
    });
  expect(await ask({ origin: "https://evil.example" })).toBe(403);
  // What another port of this machine serves is another origin: a notebook, somebody's preview.
  expect(await ask({ origin: "http://localhost:8888" })).toBe(403);
  expect(await ask({ host: "evil.example" })).toBe(403);
  expect(await ask({}, "//evil.invalid/v1/clusters")).toBe(400);
  expect(await ask({}, "http://evil.invalid/v1/clusters")).toBe(400);
  expect(api.answered).toBe(answered);
});

test("a page of its own may ask, and a body that is too long is told so", async () => {
  const own = await fetch(`${apiUrl}/v1/clusters`, { headers: { origin: apiUrl } });
  expect(own.status).toBe(200);
  const body = Buffer.alloc(24 * 1024 * 1024, "x");
  const long = await fetch(`${apiUrl}/v1/clusters`, { method: "POST", body });
  expect(long.status).toBe(413);
});

test("one session serves every connection to a broker, by the task's own target", () => {
  const sessions = readFileSync(calls, "utf8")
    .split("\n")
    .filter((line) => line.startsWith("ssm start-session"));
  expect(sessions).toHaveLength(1);
  expect(sessions[0]).toContain("--target ecs:cell_abc_abc-1");
  expect(sessions[0]).toContain("--document-name AWS-StartPortForwardingSession");
});

test("to the HTTP API alone it needs neither a broker nor the AWS CLI, and keeps the address's own path", async () => {
  await using closing = new AsyncDisposableStack();
  // As if a domain of its own had it under a path.
  const mapped = await serveSigned(await broker.url(), keys, "/prod");
  closing.defer(() => mapped.close());
  const child = spawn(
    process.execPath,
    [...program, "--json", "--http-port", "0", "--api-url", `${mapped.url}/prod`].concat([
      "--region",
      "eu-central-1",
      "--aws",
      join(directory.path, "absent"),
    ]),
    {
      env: {
        ...process.env,
        AWS_ACCESS_KEY_ID: keys.accessKeyId,
        AWS_SECRET_ACCESS_KEY: keys.secret,
        AWS_SESSION_TOKEN: "",
      },
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  const ended = new Promise((done) => child.once("close", done));
  const line = await new Promise<Buffer>((done, failed) => {
    child.stdout?.once("data", done);
    void ended.then((code) => failed(new Error(`the tunnel ended with ${String(code)}`)));
  });
  const said = JSON.parse(line.toString()) as Record<string, string | null>;
  expect(said["bootstrap_servers"]).toBeNull();
  const [cluster] = await new Myelin({ url: said["api_url"] ?? "" }).clusters.list();
  expect(cluster?.bootstrapServers).toBe(broker.bootstrapServers);
  expect(mapped.refused).toBe(0);
  child.kill("SIGTERM");
  expect(await ended).toBe(0);
});

test("without a place to go it says what to name", async () => {
  const child = spawn(process.execPath, program, { stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  child.stderr?.on("data", (chunk: Buffer) => (said += chunk.toString()));
  expect(await new Promise((done) => child.once("close", done))).toBe(2);
  expect(said).toContain("--ecs-cluster, --api-url, or both");
});

test("an address that is none is misuse, and says where to find it", async () => {
  const args = [...program, "--api-url", "abc.execute-api.eu-central-1.amazonaws.com"];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  child.stderr?.on("data", (chunk: Buffer) => (said += chunk.toString()));
  expect(await new Promise((done) => child.once("close", done))).toBe(2);
  expect(said).toContain("is no address: copy the stack's output ApiUrl");
});

test("without the AWS CLI it says what it needs", async () => {
  const child = spawn(process.execPath, [...command, "--aws", join(directory.path, "absent")], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  child.stderr?.on("data", (chunk: Buffer) => (said += chunk.toString()));
  const code = await new Promise((done) => child.once("close", done));
  expect(code).toBe(1);
  expect(said).toContain("needs the AWS CLI and its Session Manager plugin");
});
