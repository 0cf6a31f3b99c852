import { expect, test } from "vitest";
import { createMemoryObjectStore } from "../../../../adapters/memory/object-store.ts";
import { defaultCapacity } from "../../../../functions/reconcile/demand.ts";
import type { Fleet, ZoneService } from "../../../../functions/reconcile/fleet.ts";
import { reconcile } from "../../../../functions/reconcile/reconcile.ts";
import { sleepCell } from "../../../../metadata/commands/sleep-cell.ts";
import { encodeLoadReport, loadKey } from "../../../../metadata/load/load-report.ts";
import { createCellFixture } from "../cell-fixture.ts";

type Line = { level: string; msg: string } & Record<string, unknown>;

/** A log whose lines can be looked at. */
function keptLog() {
  const lines: Line[] = [];
  const at =
    (level: string) =>
    (msg: string, fields: Record<string, unknown> = {}) =>
      void lines.push({ level, msg, ...fields });
  return {
    lines,
    log: { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") },
  };
}

/** A fleet of ECS in memory: what it was asked for, and what it refuses. */
class RecordedFleet implements Fleet {
  readonly asked: string[] = [];
  refusal: string | null = null;
  /** The one that it is about, where it is not about all. */
  refused: string | null = null;
  services: ZoneService[];
  constructor(services: ZoneService[]) {
    this.services = services;
  }
  read(): Promise<ZoneService[]> {
    return Promise.resolve(this.services);
  }
  async setDesiredCount(serviceName: string, count: number): Promise<void> {
    this.#ask(`${serviceName} = ${count}`);
  }
  async keep(taskArns: readonly string[], minutes: number): Promise<void> {
    this.#ask(`keep ${taskArns.join(" ")} for ${minutes}`);
  }
  async free(taskArns: readonly string[]): Promise<void> {
    this.#ask(`free ${taskArns.join(" ")}`);
  }
  #ask(what: string): void {
    const isMeant = this.refused === null || what.startsWith(this.refused);
    if (this.refusal !== null && isMeant) throw new Error(this.refusal);
    this.asked.push(what);
  }
}

/** Brokers 1 to `brokerCount` in zones a, b, c, each with its task. */
async function cellWithFleet(brokerCount: number) {
  const cell = await createCellFixture(brokerCount);
  const { replica, clock } = cell;
  const objects = createMemoryObjectStore();
  const services = ["a", "b", "c"].map((zone, index) => {
    const ids = Array.from({ length: brokerCount }, (_, each) => each + 1).filter(
      (id) => (id - 1) % 3 === index,
    );
    return {
      zone,
      serviceName: `service-${zone}`,
      desiredCount: ids.length,
      tasks: ids.map((id) => ({ taskArn: `task-${id}`, host: `10.0.0.${id}`, isRunning: true })),
      isDeploying: false,
    };
  });
  const fleet = new RecordedFleet(services);
  const limits = { minPerZone: 1, maxPerZone: 3, sleepsWhenIdle: false };
  const { log, lines } = keptLog();
  const options = { replica, objects, fleet, clock, log, cell: "test", limits };
  return {
    ...cell,
    lines,
    fleet,
    options,
    run: () => reconcile({ ...options, capacity: defaultCapacity }),
    /** What the log has told CloudWatch, run for run. */
    missing: () => lines.flatMap(({ _aws, MissingBrokers }) => (_aws ? [MissingBrokers] : [])),
    tell: async (busyShare: number): Promise<void> => {
      for (const brokerId of replica.image.brokers.keys()) {
        const sample = {
          atMs: clock.nowMs(),
          seconds: 60,
          bytesInPerSecond: 0,
          bytesOutPerSecond: 0,
          clientBytesPerSecond: 0,
          connectionCount: 0,
          busyShare,
        };
        const samples = Array.from({ length: 15 }, () => sample);
        const report = encodeLoadReport({ brokerId, zone: "a", samples });
        await objects.put(loadKey("test", brokerId), report);
      }
    },
  };
}

test("a busy cell is given brokers in every zone", async () => {
  const { run, tell, fleet } = await cellWithFleet(3);
  await tell(0.95);
  const result = await run();
  expect(fleet.asked).toEqual(["service-a = 2", "service-b = 2", "service-c = 2"]);
  expect(result).toMatchObject({
    perZone: { atLeast: 2, atMost: 2 },
    brokersPerZone: { a: 1, b: 1, c: 1 },
    done: [{ failure: null }, { failure: null }, { failure: null }],
  });
});

test("a quiet one empties a broker, waits until it holds nothing, and then has its task stopped", async () => {
  const { run, tell, fleet, place, catchUp, grow, partition, replica } = await cellWithFleet(6);
  await place("orders", [1, 2, 3], [4, 5, 6]);
  await catchUp("orders");
  await tell(0.05);
  expect((await run()).actions).toMatchObject([{ kind: "drain", zone: "a" }]);
  const leaving = [...replica.image.brokers.values()].find(({ evacuation }) => evacuation !== null);
  const leavingId = leaving?.brokerId ?? 0;
  expect(await run()).toMatchObject({
    actions: [],
    notes: [`broker ${leavingId} is being emptied first`],
  });
  await grow();
  for (const index of [0, 1]) {
    if (partition("orders", index).removing.length === 0) continue;
    await catchUp("orders");
  }
  expect(replica.image.brokerLoads.get(leavingId)).toBeUndefined();
  expect((await run()).done).toMatchObject([{ failure: null }]);
  const other = leavingId === 1 ? 4 : 1;
  // Its own task may be one that was kept for another's sake.
  const freed = `free task-${leavingId}`;
  expect(fleet.asked).toEqual([`keep task-${other} for 10`, freed, "service-a = 1"]);
});

test("where ECS does not keep the neighbours, nothing is stopped, and the error says why", async () => {
  const { run, tell, fleet } = await cellWithFleet(6);
  await tell(0.05);
  await run();
  fleet.refusal = "DEPLOYMENT_BLOCKED";
  await expect(run()).rejects.toThrow(/^1 of 1 changes .* from 2 to 1 tasks .*DEPLOYMENT_BLOCKED$/);
  expect(fleet.asked).toEqual([]);
});

test("a run in which a change failed fails, with the rest done and each failure told", async () => {
  const { run, tell, fleet, lines } = await cellWithFleet(3);
  await tell(0.95);
  fleet.refusal = "AccessDeniedException: not authorized to perform ecs:UpdateService";
  fleet.refused = "service-b";
  const error = await run().catch((thrown: unknown) => thrown);
  expect(fleet.asked).toEqual(["service-a = 2", "service-c = 2"]);
  expect(error).toBeInstanceOf(AggregateError);
  const { message, errors } = error as AggregateError;
  expect(message).toMatch(/^1 of 3 changes of the fleet failed.*"ReconcileErrors"\)/);
  expect(errors).toEqual([
    expect.objectContaining({
      message: `setting service-b from 1 to 2 tasks (zone b has 1 brokers and needs 2): Error: ${fleet.refusal}`,
      cause: expect.objectContaining({ message: fleet.refusal }),
    }),
  ]);
  expect(message).toContain(errors[0].message);
  expect(lines.filter(({ level }) => level === "error")).toEqual([
    expect.objectContaining({ zone: "b", failure: `Error: ${fleet.refusal}` }),
  ]);
});

test("a run whose change failed is done again as if it had not been: what was done is not done twice", async () => {
  const { run, tell, fleet } = await cellWithFleet(3);
  await tell(0.95);
  fleet.refusal = "quota";
  fleet.refused = "service-b";
  await expect(run()).rejects.toThrow("quota");
  fleet.refusal = null;
  fleet.services = fleet.services.map((service) =>
    service.zone === "b" ? service : { ...service, desiredCount: 2 },
  );
  await run();
  expect(fleet.asked).toEqual(["service-a = 2", "service-c = 2", "service-b = 2"]);
});

test("a metadata log that cannot be appended to fails the run that empties a broker", async () => {
  const { options, tell } = await cellWithFleet(6);
  await tell(0.05);
  const submit = () => Promise.reject(new Error("the table says no"));
  const { image } = options.replica;
  const replica = { image, readToHead: () => Promise.resolve(), submit };
  const run = reconcile({ ...options, replica, capacity: defaultCapacity });
  await expect(run).rejects.toThrow(/emptying broker \d .*the table says no/);
});

test("a broker that ended while it was emptied is not taken for its successor at the same address", async () => {
  const { run, tell, fleet, replica, registerBroker } = await cellWithFleet(6);
  await tell(0.05);
  await run();
  const leaving = [...replica.image.brokers.values()].find(({ evacuation }) => evacuation !== null);
  // The cell has not noticed yet.
  await registerBroker({ zone: "a", host: leaving?.host ?? "" });
  await tell(0.05);
  const { done } = await run();
  expect(done.map(({ action }) => action)).not.toContainEqual(
    expect.objectContaining({ kind: "setDesiredCount" }),
  );
  expect(fleet.asked).toEqual([]);
});

test("every run tells CloudWatch how many brokers are missing: none, all of them, and none asleep", async () => {
  const { run, lines, missing, fleet, clock, replica } = await cellWithFleet(3);
  await run();
  expect(lines.filter(({ _aws }) => _aws)).toEqual([
    {
      level: "info",
      msg: "metrics",
      _aws: {
        Timestamp: Math.round(clock.nowMs()),
        CloudWatchMetrics: [
          {
            Namespace: "Myelin",
            Dimensions: [["Cell"]],
            Metrics: [{ Name: "MissingBrokers", Unit: "Count" }],
          },
        ],
      },
      Cell: "test",
      MissingBrokers: 0,
    },
  ]);
  // All at once: the metadata log still has them, and ECS starts others.
  fleet.services = fleet.services.map((service) => ({
    ...service,
    tasks: [{ taskArn: `next-${service.zone}`, host: null, isRunning: false }],
  }));
  await run();
  await replica.submit((image, context) => sleepCell(image, context));
  await run();
  expect(fleet.asked).toContain("service-a = 0");
  expect(missing()).toEqual([0, 3, 0]);
});

test("a broker that the cell has fenced is missing, whether or not its task runs", async () => {
  const { run, missing, fence } = await cellWithFleet(3);
  await fence(2);
  await run();
  expect(missing()).toEqual([1]);
});

test("a run whose change fails has told how many brokers are missing", async () => {
  const { run, missing, fleet } = await cellWithFleet(3);
  fleet.services = fleet.services.map((service) => ({ ...service, desiredCount: 0, tasks: [] }));
  fleet.refusal = "AccessDenied";
  await expect(run()).rejects.toThrow("3 of 3 changes");
  expect(missing()).toEqual([3]);
});

test("two runs at a time empty one broker", async () => {
  const { options, tell, replica, openOther } = await cellWithFleet(6);
  await tell(0.05);
  const other = await openOther();
  const both = [replica, other].map((each) =>
    reconcile({ ...options, replica: each, capacity: defaultCapacity }),
  );
  // The slower one decides anew behind the faster.
  let isOver = false;
  const ended = Promise.all(both).finally(() => (isOver = true));
  while (!isOver) await options.clock.advance(50);
  const failures = (await ended).flatMap(({ done }) => done.map(({ failure }) => failure));
  expect(failures.filter((failure) => failure !== null)).toEqual([
    expect.stringMatching(/^broker \d is being emptied already$/),
  ]);
  await replica.readToHead();
  const drained = [...replica.image.brokers.values()].filter(
    ({ evacuation }) => evacuation !== null,
  );
  expect(drained).toHaveLength(1);
});

test("load that cannot be read is no load, and takes nothing away", async () => {
  const { run, options } = await cellWithFleet(6);
  await options.objects.put(loadKey("test", 1), Buffer.from("{"));
  expect(await run()).toMatchObject({
    actions: [],
    notes: ["no broker is taken away before all have told their load for a quarter of an hour"],
  });
});
