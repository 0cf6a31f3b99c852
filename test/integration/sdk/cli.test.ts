import { spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { CommandOptions, CommandResult } from "../../support/myelin-command.ts";
import { runMyelin } from "../../support/myelin-command.ts";
import type { MyelinProcess } from "../../support/myelin-process.ts";
import { startMyelin } from "../../support/myelin-process.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

const directory = temporaryDirectory();
let myelin: MyelinProcess;

beforeAll(async () => {
  myelin = await startMyelin({ data: join(directory.path, "data") });
});
afterAll(async () => {
  await myelin.stop();
  directory[Symbol.dispose]();
});

/** The command as in a directory without settings, pointed at the running Myelin. */
function run(args: string[], options: CommandOptions = {}): Promise<CommandResult> {
  const env = { MYELIN_URL: myelin.url, XDG_CONFIG_HOME: directory.path, ...options.env };
  return runMyelin(args, { cwd: directory.path, ...options, env });
}

/** For what has to succeed. */
async function ok(args: string[], options?: CommandOptions): Promise<string> {
  const { code, stdout, stderr } = await run(args, options);
  expect({ args, code, stderr: code === 0 ? "" : stderr }).toEqual({ args, code: 0, stderr: "" });
  return stdout;
}

async function json(args: string[]): Promise<unknown> {
  return JSON.parse(await ok([...args, "--json"]));
}

test("the first minute: create, produce, consume", async () => {
  expect(await ok(["topic", "create", "orders", "--partitions", "6"])).toBe(
    "Created topic orders with 6 partitions.\n",
  );
  const produced = await run(["produce", "orders", "--key-separator", ":"], {
    input: "k1:hello\n",
  });
  expect(produced).toEqual({ code: 0, stdout: "", stderr: "1 message sent to orders.\n" });
  const format = ["--format", "%t %k=%v"];
  const consumed = await ok(["consume", "orders", "--from-beginning", "--count", "1", ...format]);
  expect(consumed).toBe("orders k1=hello\n");
});

describe("topic", () => {
  test("lists, describes, alters and deletes", async () => {
    await ok(["topic", "create", "life", "-p", "2", "-c", "retention.ms=7d"]);
    expect(await json(["topic", "list"])).toContainEqual(
      expect.objectContaining({ name: "life", partitions: 2 }),
    );
    await ok(["topic", "alter", "life", "--partitions", "3", "--config", "max.message.bytes=2MiB"]);
    expect(await json(["topic", "describe", "life"])).toMatchObject({
      name: "life",
      partitions: 3,
      partitionList: [{ partition: 0, replicas: [1], inSync: [1] }, {}, {}],
      configs: expect.arrayContaining([
        expect.objectContaining({ name: "retention.ms", value: "604800000" }),
        expect.objectContaining({ name: "max.message.bytes", value: "2097152" }),
      ]),
    });
    await ok(["topic", "alter", "life", "--unset", "retention.ms"]);
    expect(await ok(["topic", "describe", "life"])).not.toContain("retention.ms");
    expect(await ok(["topic", "delete", "life"])).toBe("Deleted topic life.\n");
    expect((await run(["topic", "describe", "life"])).code).toBe(1);
  });

  test("create of one that is there fails, unless that is fine", async () => {
    await ok(["topic", "create", "twice"]);
    const again = await run(["topic", "create", "twice"]);
    expect(again).toEqual({
      code: 1,
      stdout: "",
      stderr: "Topic twice already exists. Choose another name, or pass --if-not-exists.\n",
    });
    await ok(["topic", "create", "twice", "--if-not-exists"]);
  });

  test("create --validate-only creates nothing", async () => {
    await ok(["topic", "create", "maybe", "--validate-only"]);
    const topics = (await json(["topic", "list"])) as { name: string }[];
    expect(topics.map(({ name }) => name)).not.toContain("maybe");
  });
});

test("clusters have topics of their own", async () => {
  await ok(["cluster", "create", "shop", "--description", "The shop's events"]);
  expect(await json(["cluster", "describe", "shop"])).toMatchObject({ name: "shop" });
  await ok(["topic", "create", "only-here", "--cluster", "shop"]);
  const env = { MYELIN_CLUSTER: "shop" };
  expect(await ok(["topic", "list"], { env })).toMatch(/^only-here/m);
  expect(await ok(["topic", "list"])).not.toContain("only-here");
  await run(["produce", "only-here"], { input: "hello\n", env });
  expect(await ok(["consume", "only-here", "--until-end"], { env })).toBe("hello\n");
  const unknown = await run(["topic", "list", "--cluster", "nope"]);
  expect(unknown.code).toBe(1);
  expect(unknown.stderr).toContain('There is no cluster "nope"; there is: dev, shop.');
  const refused = await run(["cluster", "delete", "shop"]);
  expect({ code: refused.code, stdout: refused.stdout }).toEqual({ code: 1, stdout: "" });
  await ok(["cluster", "delete", "shop", "--force"]);
  expect(await ok(["cluster", "list"])).not.toContain("shop");
});

describe("produce and consume", () => {
  test("a file goes through byte for byte, in each partition in its order", async () => {
    await ok(["topic", "create", "file", "--partitions", "3"]);
    const lines = Array.from({ length: 5_000 }, (_, index) => `key${index % 50}\tzeile ü ${index}`);
    const path = join(directory.path, "lines.txt");
    writeFileSync(path, lines.join("\n"));
    await ok(["produce", "file", "--file", path, "--key-separator", "\t"]);
    const read = await ok(["consume", "file", "--until-end", "--format", "%k\\t%v"]);
    expect(read.trimEnd().split("\n").toSorted()).toEqual(lines.toSorted());
    const ofOne = read.split("\n").filter((line) => line.startsWith("key7\t"));
    expect(ofOne).toEqual(lines.filter((line) => line.startsWith("key7\t")));
  });

  test("JSON says where each message went, and all that it is", async () => {
    await ok(["topic", "create", "json"]);
    const sent = await ok(["produce", "json", "--key", "k", "--header", "a=b", "--json"], {
      input: "x\ny",
    });
    const places = sent
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as unknown);
    expect(places).toEqual([
      { topic: "json", partition: 0, offset: 0 },
      { topic: "json", partition: 0, offset: 1 },
    ]);
    const [first] = (await ok(["consume", "json", "--until-end", "--json"])).split("\n");
    expect(JSON.parse(first ?? "")).toMatchObject({
      topic: "json",
      partition: 0,
      offset: 0,
      key: "k",
      value: "x",
      headers: { a: "b" },
    });
  });

  test("a group goes on where it was", async () => {
    await ok(["topic", "create", "grouped"]);
    await ok(["produce", "grouped"], { input: "a\nb\nc\nd\n" });
    const consume = ["consume", "grouped", "--group", "g", "--from-beginning", "--count"];
    // The last message of a counted read counts as done.
    expect(await ok([...consume, "2"])).toBe("a\nb\n");
    expect(await ok([...consume, "2"])).toBe("c\nd\n");
    expect(await json(["group", "describe", "g"])).toMatchObject({
      group: "g",
      state: "empty",
      partitions: [{ topic: "grouped", partition: 0, offset: 4, end: 4, lag: 0 }],
    });
    expect(await ok(["group", "list"])).toMatch(/^g +empty/m);
    await ok(["group", "delete", "g"]);
    expect((await run(["group", "describe", "g"])).stderr).toContain("There is no group g.");
  });

  test("Ctrl-C ends consume cleanly", async () => {
    await ok(["topic", "create", "endless"]);
    await ok(["produce", "endless"], { input: "one\n" });
    const result = await run(["consume", "endless", "--from-beginning"], {
      onOutput: (stdout, kill) => {
        if (stdout.includes("one\n")) kill("SIGINT");
      },
    });
    expect(result).toEqual({ code: 0, stdout: "one\n", stderr: "" });
  });

  test("a reader that has enough (head) ends consume without a word", async () => {
    await ok(["topic", "create", "long"]);
    await ok(["produce", "long"], { input: "a line of some length\n".repeat(50_000) });
    const command = `"$NODE" "$MYELIN" consume long --from-beginning | head -n 2; echo "code \${PIPESTATUS[0]}"`;
    const child = spawn("bash", ["-c", command], {
      env: {
        ...process.env,
        NODE: process.execPath,
        MYELIN: join(process.cwd(), "sdk/bin/myelin.js"),
        MYELIN_URL: myelin.url,
      },
    });
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
    await new Promise((done) => child.on("close", done));
    expect(output).toBe("a line of some length\na line of some length\ncode 0\n");
  });

  test("a topic that is not there is a failure that says so", async () => {
    for (const args of [
      ["consume", "nope"],
      ["produce", "nope"],
    ]) {
      const { code, stderr } = await run(args, { input: "x\n" });
      expect(code).toBe(1);
      expect(stderr).toContain("There is no topic nope. See the topics there are with:");
    }
  });
});

describe("settings", () => {
  test("come from ./myelin.json and its profiles", async () => {
    const cwd = join(directory.path, "project");
    mkdirSync(cwd);
    const profiles = { broken: { url: "http://127.0.0.1:1" } };
    writeFileSync(join(cwd, "myelin.json"), JSON.stringify({ url: myelin.url, profiles }));
    const env = { MYELIN_URL: "", XDG_CONFIG_HOME: cwd };
    expect((await runMyelin(["topic", "list"], { cwd, env })).code).toBe(0);
    const broken = await runMyelin(["topic", "list", "--profile", "broken"], { cwd, env });
    expect(broken.code).toBe(1);
    expect(broken.stderr).toContain("http://127.0.0.1:1 cannot be reached");
    expect(broken.stderr).toContain("myelin dev");
  });
});

describe("misuse ends with 2", () => {
  test.each([
    [["topik"], "Did you mean topic?"],
    [["topic", "create"], "missing required argument"],
    [["topic", "create", "x", "--partitions", "many"], "whole number"],
    [["topic", "alter", "orders"], "Nothing to alter"],
    [["consume", "orders", "--from", "soon"], "Write how long ago"],
    [["consume", "orders", "--group", "g", "--until-end"], "--until-end does not go with --group"],
    [["consume", "orders", "--format", "%q"], "%q is no part of a message"],
    [["produce", "orders", "-k", "a", "-K", ":"], "exclude each other"],
    [["topic", "list", "--url", "localhost"], "is not an address"],
    [["topic", "list", "--profile", "nope"], 'There is no profile "nope"'],
  ])("%j", async (args, message) => {
    const { code, stdout, stderr } = await run(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(message);
  });
});

test.each([["--help"], ["--version"], ["topic", "--help"]])("%s is no failure", async (...args) => {
  const { code, stdout } = await run(args);
  expect(code).toBe(0);
  expect(stdout.length).toBeGreaterThan(0);
});

describe("dev", () => {
  test("names the process that has the port, and the way out", async () => {
    const port = myelin.bootstrap.split(":")[1] ?? "";
    const data = join(directory.path, "other");
    const { code, stderr } = await run(["dev", "--data", data, "--port", port]);
    expect(code).toBe(1);
    expect(stderr).toMatch(
      new RegExp(
        `Port ${port} is in use by another process \\(pid ${myelin.pid}, .*node.*\\)\\. Stop it, or start with --port \\d+\\.`,
      ),
    );
  });

  test("does not share a directory", async () => {
    const data = join(directory.path, "data");
    const { code, stderr } = await run(["dev", "--data", data, "--port", "0", "--http-port", "0"]);
    expect(code).toBe(1);
    expect(stderr).toContain("is in use by another process");
    expect(stderr).not.toContain("    at ");
  });

  test("does not start in a path that is a file", async () => {
    const path = join(directory.path, "file");
    writeFileSync(path, "");
    const { code, stderr } = await run(["dev", "--data", path, "--port", "0"]);
    expect(code).toBe(1);
    expect(stderr).toContain("Myelin cannot start");
  });
});
