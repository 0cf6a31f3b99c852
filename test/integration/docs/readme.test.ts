import { spawn } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { MyelinProcess } from "../../support/myelin-process.ts";
import { startMyelin } from "../../support/myelin-process.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

// The samples of README.md are run as they stand there, but for addresses: a test takes free ports.

const root = resolve(dirname(fileURLToPath(import.meta.url)), "../../..");
const readme = readFileSync(join(root, "README.md"), "utf8");
const directory = temporaryDirectory();
let myelin: MyelinProcess;

beforeAll(async () => {
  myelin = await startMyelin({ data: directory.path });
});

afterAll(async () => {
  expect(await myelin.stop()).toBe(0);
  directory[Symbol.dispose]();
});

/** The code block that contains `marker`. */
function sample(language: string, marker: string): string {
  const blocks = [...readme.matchAll(/^```(\w*)\n(.*?)^```$/gms)].map(([, of, text]) => ({
    of,
    text: text ?? "",
  }));
  const found = blocks.find(({ of, text }) => of === language && text.includes(marker));
  if (found === undefined) throw new Error(`README.md has no ${language} sample with ${marker}`);
  return found.text;
}

type Ended = { code: number | null; output: string };

/** Runs to the end, or until its output holds `until`; then it is interrupted as by Ctrl-C. */
function run(command: string, args: string[], until?: string): Promise<Ended> {
  return new Promise((done, failed) => {
    const env = {
      ...process.env,
      MYELIN_URL: myelin.url,
      NO_COLOR: "1",
      PATH: `${join(root, "node_modules/.bin")}:${process.env["PATH"]}`,
    };
    const child = spawn(command, args, { cwd: root, env, detached: true });
    let output = "";
    const timer = setTimeout(() => process.kill(-(child.pid ?? 0), "SIGKILL"), 40_000);
    const look = (chunk: Buffer): void => {
      output += chunk.toString();
      if (until !== undefined && output.includes(until)) process.kill(-(child.pid ?? 0), "SIGINT");
    };
    child.stdout.on("data", look);
    child.stderr.on("data", look);
    child.on("error", failed);
    child.on("close", (code) => {
      clearTimeout(timer);
      done({ code, output });
    });
  });
}

test("the first minute: create, produce and consume by copy and paste", async () => {
  const [create, produce, consume] = sample("", "npx --no myelin topic create").trim().split("\n");
  const created = await run("bash", ["-c", create ?? ""]);
  expect(created.output).toContain("orders");
  expect(created.code).toBe(0);
  expect((await run("bash", ["-c", produce ?? ""])).code).toBe(0);
  const consumed = await run("bash", ["-c", consume ?? ""], "hello");
  expect(consumed.output).toContain("hello");
});

test("the HTTP calls of the tour answer as said", async () => {
  const clusters = (await (await fetch(`${myelin.url}/v1/clusters`)).json()) as {
    data: { id: string }[];
  };
  const text = sample("", "curl -s http://127.0.0.1:8080/v1/clusters")
    .replaceAll("http://127.0.0.1:8080", myelin.url)
    .replace("CLUSTER_ID", clusters.data[0]?.id ?? "");
  const { code, output } = await run("bash", ["-c", text]);
  expect(code).toBe(0);
  expect(output).toContain('"topic_name":"payments"');
});

async function runTypeScript(name: string, text: string, until: string): Promise<Ended> {
  const file = join(root, "test/integration/docs", `${name}.sample.ts`);
  writeFileSync(file, text);
  try {
    return await run("node", [file], until);
  } finally {
    rmSync(file);
  }
}

test("the SDK sample creates, sends and consumes", async () => {
  const shown = sample("ts", "new Myelin(").replace("http://127.0.0.1:8080", myelin.url);
  const around = `type Order = { id: string };
const order: Order = { id: "o-1" };
async function bill(value: Order | null): Promise<void> { console.log("billed", value?.id); }
`;
  const { output } = await runTypeScript("sdk", `${around}${shown}`, "billed o-1");
  expect(output).toContain("billed o-1");
});

test("the test broker sample serves any client and fails on demand", async () => {
  const shown = sample("ts", "createTestBroker()");
  const { output } = await runTypeScript(
    "testing",
    `import { Kafka } from "kafkajs";\n${shown}\nvoid kafka;\nconsole.log("end of the sample");\n`,
    "end of the sample",
  );
  expect(output).toContain("end of the sample");
});
