import { describe, expect, test } from "vitest";
import { cellReport } from "../../../../sdk/src/cli/cell-report.ts";
import type {
  BrokerDescription,
  CellStatus,
  OperationDescription,
} from "../../../../sdk/src/control/cell.ts";

function broker(id: number, changes: Partial<BrokerDescription> = {}): BrokerDescription {
  return {
    id,
    state: "active",
    zone: "abc"[(id - 1) % 3] ?? "",
    host: `10.0.0.${id}`,
    port: 9092,
    isController: id === 1,
    isLost: false,
    leaders: 40,
    replicas: 120,
    outOfSync: 0,
    registeredAt: new Date(0),
    drain: null,
    ...changes,
  };
}

function status(changes: Partial<CellStatus> = {}): CellStatus {
  return {
    id: "cell",
    version: "0.1.0",
    state: "ready",
    controller: 1,
    clusters: 2,
    topics: 1,
    partitions: 120,
    offline: 0,
    underMinIsr: 0,
    underReplicated: 0,
    moving: 0,
    unhealthy: [],
    brokers: [broker(1), broker(2), broker(3)],
    ...changes,
  };
}

const partition = { cluster: "shop", topic: "orders", partition: 0, replicas: [1, 2, 3] };

test("a cell that is well says so in one line, and does nothing", () => {
  const report = cellReport(status(), []);
  expect(report.summary).toEqual([
    "Well: 120 partitions (1 topic, 2 clusters), each with a leader and all of its replicas.",
  ]);
  expect(report.brokers.rows[0]).toEqual([
    "1 controller",
    "active",
    "a",
    "10.0.0.1:9092",
    "40",
    "120",
    "0",
  ]);
  expect(report.work).toEqual([]);
});

test("a cell that is not counts what is wrong, and names the worst with what they lack", () => {
  const { summary } = cellReport(
    status({
      offline: 1,
      underMinIsr: 2,
      underReplicated: 13,
      unhealthy: [
        { ...partition, problem: "offline", leader: null, inSync: [], waitsFor: [3] },
        {
          ...partition,
          topic: "a",
          partition: 12,
          problem: "under_min_isr",
          leader: 1,
          inSync: [1],
          waitsFor: [],
        },
      ],
    }),
    [],
  );
  expect(summary).toEqual([
    "Not well: of 120 partitions, 1 offline, 2 under min.insync.replicas, 13 under-replicated.",
    "  offline           shop/orders 0  waits for broker 3",
    "  under min ISR     shop/a 12      in sync 1 of 1,2,3",
    "  and 11 more",
  ]);
});

test("only a few partitions are named: it is one screen", () => {
  const lagging = { ...partition, problem: "under_replicated" as const, leader: 1, inSync: [1] };
  const unhealthy = Array.from({ length: 10 }, (_, index) => {
    return { ...lagging, partition: index, waitsFor: [] };
  });
  const { summary } = cellReport(status({ underReplicated: 62, unhealthy }), []);
  expect(summary).toHaveLength(7);
  expect(summary.at(-1)).toBe("  and 57 more");
});

describe("without brokers in service", () => {
  test("a new cell waits for its first", () => {
    expect(cellReport(status({ brokers: [], controller: null }), []).summary[0]).toBe(
      "Not well: no broker has started yet.",
    );
  });

  test("a cell whose brokers are gone says that", () => {
    const brokers = [broker(1, { state: "fenced" })];
    const report = cellReport(status({ state: "waiting_for_brokers", brokers }), []);
    expect(report.summary[0]).toBe("Not well: no broker is in service.");
  });
});

describe("what the cell is doing about it", () => {
  test("a broker out of service is replaced; where it is waited for, there is something to say", () => {
    const brokers = [broker(1), broker(2, { state: "fenced" }), broker(3, { state: "fenced" })];
    const waits = { ...partition, problem: "offline" as const, leader: null, inSync: [] };
    const unhealthy = [{ ...waits, waitsFor: [3] }];
    const { work } = cellReport(status({ brokers, unhealthy, offline: 1 }), []);
    expect(work).toEqual([
      "Broker 2 is out of service: if it stays away for a minute, new copies of its 120 replicas are made on others, where that is possible.",
      expect.stringMatching(/^Broker 3 is out of service.*declare-lost 3$/),
    ]);
  });

  test("a lost broker, one that is stopping, and a missing controller are told", () => {
    const brokers = [
      broker(1, { isController: false }),
      broker(2, { state: "fenced", isLost: true, replicas: 1 }),
      broker(3, { state: "draining" }),
    ];
    const report = cellReport(status({ brokers, controller: null }), []);
    expect(report.work).toEqual([
      "Broker 2 is lost: new copies of its 1 replica are made on others, where there are any.",
      "Broker 3 is stopping: it hands over what it leads.",
      expect.stringContaining("There is no controller"),
    ]);
    expect(report.brokers.rows.map(([, state]) => state)).toEqual(["active", "lost", "draining"]);
  });

  const drain: OperationDescription = {
    id: "drain-3-7",
    kind: "drain",
    state: "running",
    progress: { done: 30, total: 120, unit: "partitions" },
    error: null,
    broker: 3,
    partition: null,
  };
  const move = (index: number, changes: Partial<OperationDescription> = {}) => ({
    ...drain,
    id: `move-t-${index}-4.2.3`,
    kind: "move" as const,
    progress: { done: 2, total: 3, unit: "replicas" as const },
    broker: null,
    partition: { clusterId: "c", topic: "orders", partition: index, replicas: [4, 2, 3] },
    ...changes,
  });

  test("drains and moves are counted", () => {
    const brokers = [broker(1), broker(3, { drain: drain.id })];
    const report = cellReport(status({ brokers }), [drain, move(0), move(1)]);
    expect(report.work).toEqual([
      "Broker 3 is being drained: 30 of 120 partitions have left.",
      "Replicas of 2 partitions are being moved: 4 of 6 are in sync.",
    ]);
    expect(report.brokers.rows[1]?.[1]).toBe("draining");
  });

  test("an empty broker that is stopped may be forgotten", () => {
    const done = { ...drain, state: "done" as const };
    const brokers = [broker(1), broker(3, { state: "fenced", replicas: 0, drain: drain.id })];
    expect(cellReport(status({ brokers }), [done]).work).toEqual([
      "Broker 3 is empty and out of service; to forget it: myelin cell unregister 3",
    ]);
  });

  test("what holds them up is said, and that an empty broker may go", () => {
    const error = "broker 4 is out of service";
    const done = { ...drain, state: "done" as const };
    const blocked = move(1, { state: "blocked", error });
    expect(cellReport(status(), [done, move(0), blocked]).work).toEqual([
      "Broker 3 is empty and may be stopped.",
      "Replicas of 2 partitions are being moved: 4 of 6 are in sync.",
      "  held up: orders 1 (broker 4 is out of service)",
    ]);
  });
});

describe("a cell's sleep", () => {
  const sleep: OperationDescription = {
    id: "sleep-9",
    kind: "sleep",
    state: "running",
    progress: { done: 40, total: 120, unit: "partitions" },
    error: null,
    broker: null,
    partition: null,
  };

  test("is said while it is on its way, with how far it is", () => {
    const report = cellReport(status({ state: "falling_asleep" }), [sleep]);
    expect(report.summary).toEqual(["Falling asleep: no records are taken."]);
    expect(report.work).toEqual(["On its way to sleep: 40 of 120 partitions are sealed."]);
  });

  test("is nothing amiss, though nothing has a leader", () => {
    const brokers = [broker(1, { state: "fenced", replicas: 120 })];
    const unhealthy = [
      { ...partition, problem: "offline" as const, leader: null, inSync: [], waitsFor: [] },
    ];
    const asleep = status({ state: "asleep", offline: 120, brokers, unhealthy, controller: null });
    expect(cellReport(asleep, [{ ...sleep, state: "done" }])).toMatchObject({
      summary: [
        "Asleep: 120 partitions (1 topic) in the object store. A broker that starts wakes it.",
      ],
      work: [],
    });
  });
});
