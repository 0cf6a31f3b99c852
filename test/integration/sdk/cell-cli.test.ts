import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { serveApi } from "../../../adapters/node/http-server.ts";
import type { ServedApi } from "../../../adapters/node/http-server.ts";
import { runMyelin } from "../../support/myelin-command.ts";
import type { CommandOptions, CommandResult } from "../../support/myelin-command.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";
import { createCellFixture } from "../../unit/functions/cell-fixture.ts";
import type { CellFixture } from "../../unit/functions/cell-fixture.ts";

// The command as a user has it, over real HTTP, against a cell of five brokers of which only the metadata is there.

const directory = temporaryDirectory();
let cell: CellFixture;
let served: ServedApi;

beforeAll(async () => {
  cell = await createCellFixture(5);
  await cell.place("orders", [1, 2, 3], [2, 3, 1], [3, 1, 2]);
  await cell.place("dark", [5]);
  served = await serveApi(cell.app, { host: "127.0.0.1", port: 0 });
});
afterAll(async () => {
  await served.close(10);
  directory[Symbol.dispose]();
});

function run(args: string[], options: CommandOptions = {}): Promise<CommandResult> {
  const env = { MYELIN_URL: served.url, XDG_CONFIG_HOME: directory.path };
  return runMyelin(["cell", ...args], { cwd: directory.path, ...options, env });
}

async function ok(args: string[]): Promise<string> {
  const { code, stdout, stderr } = await run(args);
  expect({ args, code, stderr: code === 0 ? "" : stderr }).toEqual({ args, code: 0, stderr: "" });
  return stdout;
}

/** Brokers and controller do their part while the command waits. */
async function meanwhile(working: Promise<CommandResult>): Promise<CommandResult> {
  let isOver = false;
  void working.finally(() => (isOver = true));
  while (!isOver) {
    await cell.grow();
    for (const name of ["orders", "dark"]) await cell.catchUp(name).catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return working;
}

test("status is one screen: how the cell is, its brokers, and what is under way", async () => {
  const text = await ok(["status"]);
  expect(text).toContain("Well: 4 partitions (2 topics, 1 cluster), each with a leader");
  expect(text).toMatch(/^BROKER +STATE +ZONE +ADDRESS +LEADERS +REPLICAS +OUT OF SYNC$/m);
  expect(text).toMatch(/^5 +active +b +10\.0\.0\.5:9092 +1 +1 +0$/m);
  const { code, stdout } = await run(["status", "--json"]);
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    partitions: 4,
    operations: [],
    brokers: [{}, {}, {}, {}, {}],
  });
});

test("status --watch goes on until Ctrl-C", async () => {
  const { code, stdout } = await run(["status", "--watch", "1"], {
    onOutput: (text, kill) => {
      if (text.split("BROKER").length > 2) kill("SIGINT");
    },
  });
  expect(code).toBe(0);
  expect(stdout.split("BROKER").length).toBeGreaterThan(2);
});

describe("drain", () => {
  test("waits until the broker is empty", async () => {
    const drained = await meanwhile(run(["drain", "1"]));
    expect(drained.stdout).toBe("Broker 1 is empty and may be stopped.\n");
    expect(drained.stderr).toContain("myelin cell unregister 1");
    expect(drained.code).toBe(0);
    expect(cell.replica.image.brokerLoads.get(1)).toBeUndefined();
    expect(await ok(["status"])).toMatch(/^1 +draining /m);
    expect(await ok(["undrain", "1"])).toContain("Broker 1 takes replicas in.");
  });

  test("--no-wait begins it; who waits and gives up leaves it going", async () => {
    const begun = await run(["drain", "2", "--no-wait", "--json"]);
    expect(JSON.parse(begun.stdout)).toMatchObject({ kind: "drain", state: "running", broker: 2 });
    const waiting = run(["drain", "2"], {});
    const undrained = new Promise((resolve) => setTimeout(resolve, 1_500)).then(() =>
      ok(["undrain", "2"]),
    );
    expect(await waiting).toMatchObject({
      code: 1,
      stderr: "The drain of broker 2 was taken back before its end.\n",
    });
    await undrained;
  });

  test("of a broker that is not there says where to look", async () => {
    expect(await run(["drain", "9"])).toEqual({
      code: 1,
      stdout: "",
      stderr: "Broker 9 is not registered. See the brokers there are with: myelin cell status\n",
    });
  });
});

describe("move", () => {
  test("moves a whole topic, whose brokers take turns in leading, and waits", async () => {
    const moved = await meanwhile(run(["move", "orders", "--replicas", "1,2,3"]));
    expect(moved).toEqual({ code: 0, stdout: "Moved 3 partitions of orders.\n", stderr: "" });
    expect(cell.stored("orders").partitions.map(({ replicas }) => replicas)).toEqual([
      [1, 2, 3],
      [2, 3, 1],
      [3, 1, 2],
    ]);
  });

  test("begins one partition's and takes it back", async () => {
    const begun = await ok(["move", "orders:2", "-r", "4,5,1", "--no-wait"]);
    expect(begun).toContain("Replicas of 1 partition are being moved: 1 of 3 are in sync.");
    expect(cell.partition("orders", 2).adding).toEqual([4, 5]);
    expect(await ok(["status"])).toContain("Replicas of 1 partition are being moved");
    expect(await ok(["move", "orders", "--cancel"])).toBe(
      "Took back the moves of 1 partition of orders.\n",
    );
    const again = await run(["move", "orders", "--cancel"]);
    expect(again).toMatchObject({ code: 1, stderr: "No replica of orders is being moved.\n" });
  });

  test("does not change the number of replicas by accident", async () => {
    const refused = await run(["move", "orders:0", "-r", "1,2"]);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain("the partition has 3 replicas, the request names 2");
    expect(refused.stderr).toContain("--change-factor");
  });
});

test("declare-lost shows what is lost, and needs the word it prints to do it", async () => {
  await cell.fence(5);
  const shown = await run(["declare-lost", "5"]);
  expect(shown.code).toBe(0);
  expect(shown.stdout).toMatch(/^shop\/dark 0 +its last records$/m);
  expect(cell.replica.image.brokers.get(5)?.isLost).toBe(false);
  expect(await ok(["status"])).toContain("waits for broker 5");
  const word = /--confirm (\S+)/.exec(shown.stderr)?.[1] ?? "";
  const done = await ok(["declare-lost", "5", "--confirm", word]);
  expect(done).toContain("Broker 5 is lost: nothing waits for it.");
  expect(await ok(["status"])).toMatch(/^5 +lost /m);
  const kept = await run(["unregister", "5"]);
  expect(kept).toMatchObject({ code: 1, stderr: expect.stringContaining("move them to others") });
});

test.each([
  [["drain"], "missing required argument"],
  [["drain", "one"], "Write a broker's id"],
  [["move", "orders"], "Give either --replicas or --cancel."],
  [["move", "orders", "-r", "1", "--cancel"], "Give either --replicas or --cancel."],
  [["move", "orders:x", "-r", "1"], "Write topic or topic:partition."],
])("%j is misuse", async (args, message) => {
  const { code, stdout, stderr } = await run(args);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toContain(message);
});
