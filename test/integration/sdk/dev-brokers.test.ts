import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import { Myelin } from "../../../sdk/src/myelin.ts";
import { freePortRange } from "../../support/free-ports.ts";
import { runMyelin } from "../../support/myelin-command.ts";
import type { MyelinProcess } from "../../support/myelin-process.ts";
import { startMyelin } from "../../support/myelin-process.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

// `npm start -- --brokers 3` as a user has it: processes, their ports, and what is said when they come and go.

const directory = temporaryDirectory();
let running: MyelinProcess[] = [];
let cellCount = 0;

afterEach(async () => {
  for (const each of running) {
    for (const { pid } of brokersIn(each.output()))
      if (isRunning(pid)) process.kill(pid, "SIGKILL");
    await each.stop("SIGKILL");
  }
  running = [];
});
afterAll(() => directory[Symbol.dispose]());

type Ports = { data: string; port: number; httpPort: number };

async function freePlace(): Promise<Ports> {
  // The API's port and three for the brokers' own HTTP follow those of Kafka.
  const port = await freePortRange(7);
  return { data: join(directory.path, `cell-${++cellCount}`), port, httpPort: port + 3 };
}

async function startCell(place: Ports, brokers = 3): Promise<MyelinProcess> {
  const cell = await startMyelin({ ...place, args: ["--brokers", `${brokers}`] });
  running.push(cell);
  return cell;
}

type Shown = { slot: number; kafka: string; id: number; zone: string; pid: number; url: string };

/** The brokers as the welcome lists them. */
function brokersIn(output: string): Shown[] {
  const pattern = /broker (\d+) +(\S+) +id (\d+) +(\S+) +pid (\d+) +(\S+)\/metrics/g;
  return [...output.matchAll(pattern)].map(([, slot, kafka, id, zone, pid, url]) => ({
    slot: Number(slot),
    kafka: kafka ?? "",
    id: Number(id),
    zone: zone ?? "",
    pid: Number(pid),
    url: url ?? "",
  }));
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 300; tries++) {
    if (await isSo()) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`never: ${what}`);
}

/** How the broker in a slot left its directory. */
function endedCleanly({ data }: Ports, slot: number): boolean {
  const text = readFileSync(join(data, `broker-${slot}`, "identity.json"), "utf8");
  return (JSON.parse(text) as { isClean: boolean }).isClean;
}

test("three brokers are three processes with neighbouring ports, zones and metrics of their own", async () => {
  const place = await freePlace();
  const cell = await startCell(place);
  const brokers = brokersIn(cell.output());
  expect(brokers.map(({ slot, kafka, id, zone }) => ({ slot, kafka, id, zone }))).toEqual(
    [1, 2, 3].map((slot) => ({
      slot,
      kafka: `127.0.0.1:${place.port + slot - 1}`,
      id: slot,
      zone: `zone-${slot}`,
    })),
  );
  expect(new Set([cell.pid, ...brokers.map(({ pid }) => pid)]).size).toBe(4);
  for (const { url } of brokers) {
    expect(await (await fetch(`${url}/metrics`)).text()).toContain("kafka_server_");
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
  }
  const cluster = await new Myelin({ url: cell.url }).clusters.get("dev");
  expect(cluster.bootstrapServers.split(",")).toHaveLength(3);
  expect(cluster.httpEndpoint).toBe(brokers[0]?.url);
  expect((await fetch(`${cell.url}/metrics`)).status).toBe(421);
  await cluster.topics.create({ name: "orders", partitions: 3 });
  const [partition] = await cluster.topics.partitions("orders");
  expect(partition?.replicas.toSorted()).toEqual([1, 2, 3]);
  const configs = await cluster.topics.configs("orders");
  const valueOf = (name: string): string | null | undefined =>
    configs.find((each) => each.name === name)?.value;
  expect([valueOf("min.insync.replicas"), valueOf("durability")]).toEqual(["2", "replicated"]);

  expect(await cell.stop("SIGINT")).toBe(0);
  expect(brokers.filter(({ pid }) => isRunning(pid))).toEqual([]);
  expect([1, 2, 3].map((slot) => endedCleanly(place, slot))).toEqual([true, true, true]);
});

test("a broker that is killed is named with the command that starts it again, which works", async () => {
  const place = await freePlace();
  const cell = await startCell(place);
  const second = brokersIn(cell.output())[1];
  process.kill(second?.pid ?? 0, "SIGKILL");
  const said = `Broker 2 (pid ${second?.pid}) was killed by SIGKILL. Start it again with: npx --no myelin `;
  await until(said, () => cell.output().includes(said));
  const [, words = ""] = /again with: npx --no myelin (.*)/.exec(cell.output()) ?? [];
  const isUp = /Broker 2 is up \(id 2, zone-2, pid (\d+)/;
  let isStopping = false;
  const again = runMyelin(words.split(" "), {
    onOutput(stdout, kill) {
      // The cell goes first: whoever was started by hand is on its own.
      if (isStopping || !isUp.test(stdout)) return;
      isStopping = true;
      void cell.stop().then(() => kill("SIGTERM"));
    },
  });
  const { code, stdout, stderr } = await again;
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toMatch(isUp);
  expect(endedCleanly(place, 2)).toBe(true);
});

test("brokers stop in good order when the process that started them is killed", async () => {
  const place = await freePlace();
  const cell = await startCell(place);
  const brokers = brokersIn(cell.output());
  await cell.stop("SIGKILL");
  await until("all brokers end", () => brokers.every(({ pid }) => !isRunning(pid)));
  expect([1, 2, 3].map((slot) => endedCleanly(place, slot))).toEqual([true, true, true]);
});

test("a second Ctrl-C ends everything at once", async () => {
  const cell = await startCell(await freePlace());
  const brokers = brokersIn(cell.output());
  // One that cannot stop holds up all the rest.
  process.kill(brokers[0]?.pid ?? 0, "SIGSTOP");
  process.kill(cell.pid, "SIGINT");
  await until("the others stop", () => brokers.slice(1).every(({ pid }) => !isRunning(pid)));
  expect(await cell.stop("SIGINT")).toBe(130);
  await until("the last one ends", () => !isRunning(brokers[0]?.pid ?? 0));
});

describe("a start that fails says why and leaves nothing running", () => {
  async function failure(place: Ports): Promise<string> {
    const flags = ["--data", place.data, "--port", `${place.port}`];
    const http = ["--http-port", `${place.httpPort}`];
    const { code, stdout, stderr } = await runMyelin(["dev", "--brokers", "3", ...flags, ...http]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).not.toContain("    at ");
    // Nothing listens on any of its ports any more.
    expect(await freePortsFrom(place.port, 6)).toBe(true);
    return stderr;
  }

  async function freePortsFrom(port: number, count: number): Promise<boolean> {
    for (let next = port; next < port + count; next++) {
      const isOpen = await fetch(`http://127.0.0.1:${next}/`).then(
        () => true,
        (error: Error) => !String(error.cause).includes("ECONNREFUSED"),
      );
      if (isOpen && next !== taken) return false;
    }
    return true;
  }

  let taken = 0;
  const listen = async (port: number): Promise<() => Promise<void>> => {
    taken = port;
    const server = createServer((socket) => socket.destroy());
    await new Promise<void>((up) => server.listen(port, "127.0.0.1", up));
    return () => new Promise((done) => server.close(() => done()));
  };

  test.each([
    ["a broker's port", (place: Ports) => place.port + 1, "--port"],
    ["the API's port", (place: Ports) => place.httpPort, "--http-port"],
    ["a broker's HTTP port", (place: Ports) => place.httpPort + 3, "--http-port"],
  ])("%s is taken", async (_, portOf, flag) => {
    const place = await freePlace();
    const close = await listen(portOf(place));
    try {
      const said = await failure(place);
      expect(said).toMatch(
        new RegExp(
          `Port ${taken} is in use by another process \\(pid ${process.pid}, .*\\)\\. Stop it, or start with ${flag} \\d+\\.`,
        ),
      );
    } finally {
      await close();
    }
  });

  test("a directory is in use", async () => {
    const place = await freePlace();
    await startCell(place, 1);
    const elsewhere = await freePlace();
    expect(await failure({ ...elsewhere, data: place.data })).toContain(
      "is in use by another process",
    );
  });
});

test("a broker that is told to serve a slot that does not exist is misuse", async () => {
  const { code, stderr } = await runMyelin(["broker", "--slot", "100"]);
  expect(code).toBe(2);
  expect(stderr).toContain("A machine has at most 99 brokers.");
});
