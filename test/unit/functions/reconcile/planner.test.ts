import { expect, test } from "vitest";
import type {
  FleetBroker,
  FleetView,
  ZoneView,
} from "../../../../functions/reconcile/fleet-view.ts";
import { planFleet } from "../../../../functions/reconcile/planner.ts";
import type { FleetLimits } from "../../../../functions/reconcile/planner.ts";

const limits: FleetLimits = { minPerZone: 1, maxPerZone: 4, sleepsWhenIdle: false };

/** A zone whose brokers are `open` and `leaving`, by id; each holds ten replicas but those in `empty`. */
function zone(
  name: string,
  open: number[],
  {
    leaving = [],
    empty = [],
    ...more
  }: Partial<Omit<ZoneView, "leaving">> & { leaving?: number[]; empty?: number[] } = {},
): ZoneView {
  const brokerOf = (brokerId: number): FleetBroker => ({
    brokerId,
    replicaCount: empty.includes(brokerId) ? 0 : 10,
    taskArn: `task-${brokerId}`,
  });
  return {
    zone: name,
    serviceName: `service-${name}`,
    desiredCount: open.length + leaving.length,
    taskArns: [...open, ...leaving].map((id) => `task-${id}`),
    open: open.map(brokerOf),
    leaving: leaving.map(brokerOf),
    isSettled: true,
    ...more,
  };
}

type Differences = {
  demand?: Partial<FleetView["demand"]>;
  needs?: Partial<FleetView["needs"]>;
  sleep?: FleetView["sleep"];
};

function viewOf(
  zones: ZoneView[],
  { demand, needs, sleep = "awake" }: Differences = {},
): FleetView {
  return {
    zones,
    demand: { atLeast: 0, atMost: 0, isKnown: true, isIdle: false, ...demand },
    needs: {
      replicaCount: 3,
      unhealthyCount: 0,
      movingCount: 0,
      partitionCount: 20,
      ...needs,
    },
    sleep,
  };
}

const three = [zone("a", [1]), zone("b", [2]), zone("c", [3])];
const six = [zone("a", [1, 4]), zone("b", [2, 5]), zone("c", [3, 6])];

test("a new cell gets its first brokers, in every zone", () => {
  const empty = ["a", "b", "c"].map((name) => zone(name, []));
  const plan = planFleet(viewOf(empty, { needs: { replicaCount: 0 } }), limits);
  expect(plan.actions).toMatchObject([
    { kind: "setDesiredCount", zone: "a", from: 0, to: 1, reason: "zone a has no broker" },
    { kind: "setDesiredCount", zone: "b", from: 0, to: 1 },
    { kind: "setDesiredCount", zone: "c", from: 0, to: 1 },
  ]);
});

test("a cell that has what it needs is left alone", () => {
  expect(planFleet(viewOf(three, { demand: { atLeast: 2, atMost: 3 } }), limits)).toEqual({
    perZone: { atLeast: 1, atMost: 1 },
    actions: [],
    notes: [],
  });
});

test("load that asks for more grows every zone, at most to twice what it has", () => {
  const plan = planFleet(viewOf(three, { demand: { atLeast: 11, atMost: 15 } }), limits);
  expect(plan.perZone).toEqual({ atLeast: 4, atMost: 4 });
  expect(plan.actions).toMatchObject([
    { zone: "a", from: 1, to: 2, stops: null, reason: "zone a has 1 brokers and needs 4" },
    { zone: "b", to: 2 },
    { zone: "c", to: 2 },
  ]);
});

test("what the deployment does not allow is said, not done", () => {
  const plan = planFleet(viewOf(six, { demand: { atLeast: 30, atMost: 40 } }), limits);
  expect(plan.actions).toMatchObject([{ to: 4 }, { to: 4 }, { to: 4 }]);
  expect(plan.notes).toEqual([
    "10 brokers per zone are called for; the deployment allows 4 (brokersPerZone.max)",
  ]);
});

test("with more than enough, one broker is emptied at a time: the one that holds least", () => {
  const zones = [six[0]!, zone("b", [2, 5, 7], { empty: [5] }), six[2]!];
  const plan = planFleet(viewOf(zones), limits);
  expect(plan.actions).toEqual([
    {
      kind: "drain",
      zone: "b",
      brokerId: 5,
      reason: "zone b has 3 brokers and 1 are enough",
    },
  ]);
});

test("a broker that holds nothing any more goes, and its neighbours are kept", () => {
  const zones = [zone("a", [1, 4], { leaving: [7], empty: [7] }), six[1]!, six[2]!];
  expect(planFleet(viewOf(zones), limits).actions).toMatchObject([
    {
      kind: "setDesiredCount",
      zone: "a",
      from: 3,
      to: 2,
      stops: { brokerId: 7, keeps: ["task-1", "task-4"] },
      frees: ["task-7"],
    },
  ]);
});

test("one that still holds replicas stays, and no other is emptied meanwhile", () => {
  const zones = [zone("a", [1, 4], { leaving: [7] }), six[1]!, six[2]!];
  expect(planFleet(viewOf(zones), limits)).toMatchObject({
    actions: [],
    notes: ["broker 7 is being emptied first"],
  });
});

test("a broker that an operator empties gets a successor, and goes when that is in service", () => {
  const needed = { demand: { atLeast: 3, atMost: 3 } };
  const begun = [zone("a", [], { leaving: [1] }), three[1]!, three[2]!];
  expect(planFleet(viewOf(begun, needed), limits).actions).toMatchObject([
    { zone: "a", from: 1, to: 2, stops: null },
  ]);
  const starting = zone("a", [], { leaving: [1], empty: [1], desiredCount: 2, isSettled: false });
  expect(planFleet(viewOf([starting, three[1]!, three[2]!], needed), limits).actions).toEqual([]);
  const replaced = [zone("a", [4], { leaving: [1], empty: [1] }), three[1]!, three[2]!];
  expect(planFleet(viewOf(replaced, needed), limits).actions).toMatchObject([
    { zone: "a", from: 2, to: 1, stops: { brokerId: 1, keeps: ["task-4"] } },
  ]);
});

test("while ECS stops what was taken away, nothing is counted twice", () => {
  const stopping = zone("a", [1], { leaving: [4], empty: [4], desiredCount: 1, isSettled: false });
  expect(planFleet(viewOf([stopping, three[1]!, three[2]!]), limits).actions).toEqual([]);
});

test.each<[string, FleetView, string]>([
  [
    "a partition lacks a copy",
    viewOf(six, { needs: { unhealthyCount: 4 } }),
    "while 4 partitions lack a leader or a copy",
  ],
  [
    "the load is not known",
    viewOf(six, { demand: { isKnown: false } }),
    "before all have told their load",
  ],
  [
    "a zone is being deployed",
    viewOf([six[0]!, zone("b", [2, 5], { isSettled: false }), six[2]!]),
    "while zone b is not settled",
  ],
  [
    "a broker is out of service",
    viewOf([zone("a", [1], { desiredCount: 2, taskArns: ["task-1", "task-4"] }), six[1]!, six[2]!]),
    "while zone a is not settled",
  ],
])("nothing is taken away while %s", (_why, view, note) => {
  const { actions, notes } = planFleet(view, limits);
  expect(actions).toEqual([]);
  expect(notes.join()).toContain(note);
});

test("partitions of five replicas keep five brokers, however little there is to do", () => {
  const zones = [zone("a", [1, 4]), zone("b", [2, 5]), zone("c", [3, 6])];
  const plan = planFleet(viewOf(zones, { needs: { replicaCount: 5 } }), limits);
  expect(plan).toMatchObject({ perZone: { atLeast: 2, atMost: 2 }, actions: [] });
});

test("in a lopsided cell no broker goes that the replicas of one partition need", () => {
  const zones = [zone("a", [1]), zone("b", [2, 3, 4])];
  const plan = planFleet(viewOf(zones, { needs: { replicaCount: 4 } }), {
    ...limits,
    maxPerZone: 1,
  });
  expect(plan.actions).toEqual([]);
  expect(plan.notes).toContain("no broker is taken away: partitions have up to 4 replicas");
});

test("a limit that was lowered below what partitions need takes nothing from them", () => {
  const zones = [zone("a", [1, 2, 3])];
  const lowered = { ...limits, maxPerZone: 1 };
  expect(planFleet(viewOf(zones), lowered).actions).toEqual([]);
});

const sleepy: FleetLimits = { ...limits, sleepsWhenIdle: true };
const idle = { isIdle: true };

test("an idle cell is sent to sleep where the deployment asks for it; its tasks stay until it sleeps", () => {
  const plan = planFleet(viewOf(three, { demand: idle }), sleepy);
  expect(plan.actions).toMatchObject([{ kind: "fallAsleep" }]);
  expect(planFleet(viewOf(three, { demand: idle }), limits).actions).toEqual([]);
  const falling = planFleet(viewOf(three, { demand: idle, sleep: "fallingAsleep" }), sleepy);
  expect(falling).toMatchObject({ actions: [], notes: ["the cell is falling asleep"] });
});

test("a cell that is used, or not well, stays awake", () => {
  expect(planFleet(viewOf(three), sleepy)).toMatchObject({
    actions: [],
    notes: [expect.stringContaining("it has been used")],
  });
  const unwell = viewOf(three, { demand: idle, needs: { unhealthyCount: 1 } });
  expect(planFleet(unwell, sleepy).notes[0]).toContain("not all of it is well");
});

test("asleep it has no task, whoever sent it there, and awake it has some again", () => {
  expect(planFleet(viewOf(three, { sleep: "asleep" }), limits).actions).toMatchObject([
    { zone: "a", from: 1, to: 0, frees: ["task-1"] },
    { zone: "b", from: 1, to: 0, frees: ["task-2"] },
    { zone: "c", from: 1, to: 0, frees: ["task-3"] },
  ]);
  const gone = ["a", "b", "c"].map((name) => zone(name, []));
  expect(planFleet(viewOf(gone, { sleep: "asleep" }), sleepy)).toMatchObject({
    actions: [],
    notes: ["the cell sleeps"],
  });
  expect(planFleet(viewOf(gone), sleepy).actions).toMatchObject([{ to: 1 }, { to: 1 }, { to: 1 }]);
});
