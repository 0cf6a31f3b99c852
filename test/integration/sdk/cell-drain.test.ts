import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { freePortRange } from "../../support/free-ports.ts";
import { runMyelin } from "../../support/myelin-command.ts";
import { startMyelin } from "../../support/myelin-process.ts";
import type { MyelinProcess } from "../../support/myelin-process.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

// What the control plane writes and real brokers then do: a cell of three, of which one is emptied under its topics.

const directory = temporaryDirectory();
let cell: MyelinProcess;

beforeAll(async () => {
  const port = await freePortRange(7);
  const data = join(directory.path, "data");
  cell = await startMyelin({ data, port, httpPort: port + 3, args: ["--brokers", "3"] });
});
afterAll(async () => {
  await cell.stop();
  directory[Symbol.dispose]();
});

async function ok(args: string[], input?: string): Promise<string> {
  const env = { MYELIN_URL: cell.url, XDG_CONFIG_HOME: directory.path };
  const options = { cwd: directory.path, env, ...(input === undefined ? {} : { input }) };
  const { code, stdout, stderr } = await runMyelin(args, options);
  expect({ args, code, stderr: code === 0 ? "" : stderr }).toEqual({ args, code: 0, stderr: "" });
  return stdout;
}

type Status = { brokers: { id: number; leaders: number; replicas: number }[]; offline: number };

async function status(): Promise<Status> {
  return JSON.parse(await ok(["cell", "status", "--json"])) as Status;
}

test("a broker is emptied with all records kept, and takes replicas in again once it is undrained", async () => {
  await ok(["topic", "create", "orders", "--partitions", "6", "--replication-factor", "2"]);
  const lines = Array.from({ length: 5_000 }, (_, index) => `line ${index}`);
  await ok(["produce", "orders"], lines.join("\n"));
  expect((await status()).brokers.find(({ id }) => id === 2)?.replicas).toBeGreaterThan(0);
  expect(await ok(["cell", "drain", "2"])).toBe("Broker 2 is empty and may be stopped.\n");
  expect(await status()).toMatchObject({
    offline: 0,
    brokers: [{ replicas: 6 }, { leaders: 0, replicas: 0 }, { replicas: 6 }],
  });
  const read = await ok(["consume", "orders", "--until-end"]);
  expect(read.trimEnd().split("\n").toSorted()).toEqual(lines.toSorted());
  await ok(["cell", "undrain", "2"]);
  expect(await ok(["cell", "move", "orders:0", "--replicas", "2,1"])).toContain(
    "Moved 1 partition",
  );
  // Or more: the cell may have begun to spread its load over all three again.
  expect((await status()).brokers.find(({ id }) => id === 2)?.replicas).toBeGreaterThan(0);
}, 120_000);
