import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { publint } from "publint";
import { afterAll, beforeAll, expect, test } from "vitest";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

const directory = temporaryDirectory();
const dist = join(directory.path, "package");

beforeAll(() => {
  execFileSync(process.execPath, [resolve("sdk/build.ts"), dist], { stdio: "pipe" });
});
afterAll(() => directory[Symbol.dispose]());

/** A project with the package in its node_modules and nothing else, save what is named. */
function project(name: string, others: string[] = []): string {
  const path = join(directory.path, name);
  mkdirSync(join(path, "node_modules/@myelin"), { recursive: true });
  cpSync(dist, join(path, "node_modules/@myelin/sdk"), { recursive: true });
  for (const each of others) {
    if (each.includes("/")) mkdirSync(join(path, "node_modules", each, ".."), { recursive: true });
    symlinkSync(resolve("node_modules", each), join(path, "node_modules", each));
  }
  return path;
}

function runIn(path: string, script: string): { status: number | null; output: string } {
  writeFileSync(join(path, "main.mjs"), script);
  const { status, stdout, stderr } = spawnSync(process.execPath, ["main.mjs"], { cwd: path });
  return { status, output: stdout.toString() + stderr.toString() };
}

test("publint has nothing to say", async () => {
  const { messages } = await publint({ pkgDir: dist });
  expect(messages).toEqual([]);
});

test("the SDK runs alone in an empty folder: it encodes, and says that nobody answers", () => {
  const result = runIn(
    project("alone"),
    `
      import { Myelin, MyelinError, json, string } from "@myelin/sdk";
      const codec = json();
      console.log(JSON.stringify(codec.decode(codec.encode({ a: 1 }))), string.decode(string.encode("ü")));
      const myelin = new Myelin({ url: "http://127.0.0.1:1" });
      const error = await myelin.clusters.list().catch((thrown) => thrown);
      console.log(error instanceof MyelinError, error.code);
    `,
  );
  expect(result).toEqual({ status: 0, output: '{"a":1} ü\ntrue NETWORK\n' });
});

test("the test broker and the SDK's clients run from the bundle", () => {
  const { dependencies } = JSON.parse(readFileSync(join(dist, "package.json"), "utf8")) as {
    dependencies: Record<string, string>;
  };
  const result = runIn(
    project("testing", Object.keys(dependencies)),
    `
      import { createTestBroker } from "@myelin/sdk/testing";
      const broker = await createTestBroker();
      await broker.topics.create("orders");
      const producer = broker.cluster.producer();
      await producer.send("orders", { value: "hello" });
      const consumer = broker.cluster.consumer({ group: "g", topics: ["orders"] });
      for await (const { value } of consumer) {
        console.log(value);
        break;
      }
      await consumer.close();
      await producer.close();
      await broker.close();
    `,
  );
  expect(result).toEqual({ status: 0, output: "hello\n" });
});

test("the command line runs from the bundle", () => {
  const path = project("command", ["commander"]);
  rmSync(join(path, "node_modules/commander"));
  const { status, stdout } = spawnSync(
    process.execPath,
    [join(path, "node_modules/@myelin/sdk/bin/myelin.js"), "--version"],
    { cwd: path },
  );
  const { version } = JSON.parse(readFileSync(join(dist, "package.json"), "utf8")) as {
    version: string;
  };
  expect({ status, output: stdout.toString() }).toEqual({ status: 0, output: `${version}\n` });
});

test("its types need nothing that it does not bring", () => {
  const path = project("types", ["@types/node", "undici-types"]);
  writeFileSync(
    join(path, "main.ts"),
    `
      import { Myelin, json } from "@myelin/sdk";
      import type { ConsumedMessage } from "@myelin/sdk";
      import { createTestBroker } from "@myelin/sdk/testing";
      type Order = { id: string };
      const myelin = new Myelin({ url: "http://127.0.0.1:8080" });
      const shop = await myelin.clusters.get("shop");
      await using consumer = shop.consumer({ group: "g", topics: ["t"], value: json<Order>() });
      for await (const message of consumer) {
        const typed: ConsumedMessage<Order> = message;
        const id: string = typed.value.id;
        // @ts-expect-error: an order has no price
        id.concat(message.value.price);
      }
      const broker = await createTestBroker();
      broker.fail({ api: "Produce", error: "NOT_LEADER_OR_FOLLOWER" });
      // @ts-expect-error: no such error
      broker.fail({ api: "Produce", error: "NOT_AN_ERROR" });
    `,
  );
  writeFileSync(
    join(path, "tsconfig.json"),
    JSON.stringify({
      compilerOptions: {
        target: "es2024",
        lib: ["es2024", "esnext.disposable"],
        module: "nodenext",
        strict: true,
        noEmit: true,
        types: ["node"],
      },
      files: ["main.ts"],
    }),
  );
  writeFileSync(join(path, "package.json"), '{"type":"module"}');
  const tsc = resolve("node_modules/typescript/bin/tsc");
  const { status, stdout } = spawnSync(process.execPath, [tsc, "-p", path]);
  expect({ status, output: stdout.toString() }).toEqual({ status: 0, output: "" });
});
