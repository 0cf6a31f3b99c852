import type { FleetBroker, FleetView, ZoneView } from "./fleet-view.ts";

/** What the deployment allows. */
export type FleetLimits = {
  readonly minPerZone: number;
  readonly maxPerZone: number;
  readonly sleepsWhenIdle: boolean;
};

/**
 * Has ECS run so many tasks in a zone. `stops` (only where it is one less): the empty broker that goes, and the tasks that stay. `frees`: tasks that ECS may
 * stop although it was to keep them, for an earlier stop of another one; it would wait until that has run out.
 */
type CountAction = {
  readonly kind: "setDesiredCount";
  readonly zone: string;
  readonly serviceName: string;
  readonly from: number;
  readonly to: number;
  readonly stops: { readonly brokerId: number; readonly keeps: readonly string[] } | null;
  readonly frees: readonly string[];
  readonly reason: string;
};

export type FleetAction =
  | CountAction
  /** Has the cell empty a broker; its task goes when it holds nothing any more. */
  | {
      readonly kind: "drain";
      readonly zone: string;
      readonly brokerId: number;
      readonly reason: string;
    }
  /** Has the cell put all it has into the object store; its tasks go when it sleeps. */
  | { readonly kind: "fallAsleep"; readonly reason: string };

export type FleetPlan = {
  /** Brokers per zone that load and partitions ask for, within the limits. */
  readonly perZone: { readonly atLeast: number; readonly atMost: number };
  readonly actions: readonly FleetAction[];
  /** What is not done, and why: for whoever reads the log. */
  readonly notes: readonly string[];
};

/**
 * How many brokers each zone should have, pure: from what there is, what the load asks for (demand.ts) and what partitions need (needs.ts). It keeps nothing
 * between its runs: what was begun is seen in the metadata log and in ECS.
 *
 * - It grows at once, at most to twice what a zone has.
 * - It shrinks by one broker at a time: the cell empties it, and the task goes once it holds no replica. So no in-sync set ever loses a member to it.
 * - Nothing is taken away while anything is unsettled: a deployment, a task that starts, a partition that lacks a copy, a broker that has not told its load.
 * - A cell that sleeps has no task, whoever sent it to sleep: all of its records are in the object store. Where the deployment asks for it, it is sent to sleep
 *   when nobody has used it for a while.
 */
export function planFleet(view: FleetView, limits: FleetLimits): FleetPlan {
  const { atLeast, atMost, notes } = wantedPerZone(view, limits);
  const perZone = { atLeast, atMost };
  const sleep = planSleep(view, limits);
  if (sleep.kind === "sleep")
    return { perZone, actions: sleep.actions, notes: [...notes, sleep.note] };
  if (sleep.note !== null) notes.push(sleep.note);
  const growth = view.zones.flatMap((zone) => grow(zone, atLeast) ?? []);
  const removals = view.zones.flatMap((zone) => remove(zone) ?? []);
  // Where a zone grows, it does not shrink in the same breath: counts are absolute.
  const growing = new Set(growth.map((each) => each.zone));
  const actions: FleetAction[] = [...growth, ...removals.filter((each) => !growing.has(each.zone))];
  if (actions.length > 0) return { perZone, actions, notes };
  const drain = planDrain(view, { atMost, maxPerZone: limits.maxPerZone });
  if (drain.kind === "drain") return { perZone, actions: [drain.action], notes };
  if (drain.why !== null) notes.push(drain.why);
  return { perZone, actions: [], notes };
}

type Wanted = { atLeast: number; atMost: number; notes: string[] };

function wantedPerZone({ zones, demand, needs }: FleetView, limits: FleetLimits): Wanted {
  const { minPerZone, maxPerZone } = limits;
  const zoneCount = Math.max(1, zones.length);
  const perZone = (count: number): number => Math.ceil(count / zoneCount);
  const needed = perZone(needs.replicaCount);
  const wished = Math.max(minPerZone, needed, perZone(demand.atLeast));
  const atLeast = Math.min(wished, maxPerZone);
  // What partitions need is not taken away even where the limit has been lowered below it.
  const atMost = Math.max(Math.min(perZone(demand.atMost), maxPerZone), needed, atLeast);
  const notes: string[] = [];
  if (wished > maxPerZone) {
    notes.push(
      `${wished} brokers per zone are called for; the deployment allows ${maxPerZone} (brokersPerZone.max)`,
    );
  }
  return { atLeast, atMost, notes };
}

/** Counted apart from brokers that are on their way out: those are replaced while they are still there. */
function openCountOf({ desiredCount, leaving }: ZoneView): number {
  return desiredCount - leaving.length;
}

function grow(zone: ZoneView, atLeast: number): CountAction | null {
  const openCount = openCountOf(zone);
  // ECS is about to stop some of them: which, and so how many are open, is known by the next run.
  if (zone.taskArns.length > zone.desiredCount || openCount >= atLeast) return null;
  // New brokers take their share only as replicas move to them: more at once would stand idle.
  const to = Math.min(atLeast, Math.max(1, openCount * 2)) + zone.leaving.length;
  const reason =
    zone.desiredCount === 0
      ? `zone ${zone.zone} has no broker`
      : `zone ${zone.zone} has ${openCount} brokers and needs ${atLeast}`;
  return setDesiredCount(zone, { to, stops: null, frees: [], reason });
}

/** Stops a broker that was emptied. */
function remove(zone: ZoneView): CountAction | null {
  const empty = zone.leaving.find(({ replicaCount }) => replicaCount === 0);
  // It stays until its successor, where it gets one, is in service.
  const isReplaced = zone.open.length >= openCountOf(zone);
  if (empty === undefined || !zone.isSettled || !isReplaced) return null;
  const keeps = zone.taskArns.filter((taskArn) => taskArn !== empty.taskArn);
  return setDesiredCount(zone, {
    to: zone.desiredCount - 1,
    stops: { brokerId: empty.brokerId, keeps },
    frees: [empty.taskArn],
    reason: `broker ${empty.brokerId} holds nothing any more`,
  });
}

function setDesiredCount(
  { zone, serviceName, desiredCount }: ZoneView,
  change: Pick<FleetAction & { kind: "setDesiredCount" }, "to" | "stops" | "frees" | "reason">,
): CountAction {
  return { kind: "setDesiredCount", zone, serviceName, from: desiredCount, ...change };
}

type DrainPlan =
  | { readonly kind: "drain"; readonly action: FleetAction }
  | { readonly kind: "none"; readonly why: string | null };

/** Begins to empty a broker of the zone that has most above `atMost`. */
function planDrain(
  view: FleetView,
  { atMost, maxPerZone }: { atMost: number; maxPerZone: number },
): DrainPlan {
  const { zones, needs } = view;
  const crowded = zones
    .filter((zone) => openCountOf(zone) > atMost)
    .sort((a, b) => openCountOf(b) - openCountOf(a) || (a.zone < b.zone ? -1 : 1));
  const [zone] = crowded;
  if (zone === undefined) return { kind: "none", why: null };
  const why = whyNotNow(view, { isOverLimit: openCountOf(zone) > maxPerZone });
  if (why !== null) return { kind: "none", why };
  const openCount = zones.reduce((sum, each) => sum + each.open.length, 0);
  if (openCount - 1 < needs.replicaCount) {
    const because = `partitions have up to ${needs.replicaCount} replicas`;
    return { kind: "none", why: `no broker is taken away: ${because}` };
  }
  const broker = leastLoaded(zone.open);
  if (broker === undefined) return { kind: "none", why: null };
  const reason = `zone ${zone.zone} has ${openCountOf(zone)} brokers and ${atMost} are enough`;
  const action = { kind: "drain", zone: zone.zone, brokerId: broker.brokerId, reason } as const;
  return { kind: "drain", action };
}

/** Why no broker is taken away now, though there are more than enough. */
function whyNotNow(
  { zones, demand, needs }: FleetView,
  { isOverLimit }: { isOverLimit: boolean },
): string | null {
  const busy = zones.find(({ isSettled, desiredCount, open, leaving }) => {
    return !isSettled || open.length + leaving.length !== desiredCount;
  });
  const drained = zones.flatMap(({ leaving }) => leaving);
  if (drained.length > 0) return `broker ${drained[0]?.brokerId} is being emptied first`;
  if (busy !== undefined) return `no broker is taken away while zone ${busy.zone} is not settled`;
  if (needs.unhealthyCount > 0) {
    return `no broker is taken away while ${needs.unhealthyCount} partitions lack a leader or a copy`;
  }
  if (!demand.isKnown && !isOverLimit) {
    return "no broker is taken away before all have told their load for a quarter of an hour";
  }
  return null;
}

/** The one whose emptying copies least; of equals the newest. */
function leastLoaded(brokers: readonly FleetBroker[]): FleetBroker | undefined {
  return [...brokers].sort((a, b) => a.replicaCount - b.replicaCount || b.brokerId - a.brokerId)[0];
}

type SleepPlan =
  | { readonly kind: "sleep"; readonly actions: readonly FleetAction[]; readonly note: string }
  | { readonly kind: "awake"; readonly note: string | null };

function planSleep({ zones, demand, needs, sleep }: FleetView, limits: FleetLimits): SleepPlan {
  switch (sleep) {
    case "asleep": {
      const reason = "the cell sleeps";
      const left = zones.filter(({ desiredCount }) => desiredCount > 0);
      const actions = left.map((zone) =>
        setDesiredCount(zone, { to: 0, stops: null, frees: zone.taskArns, reason }),
      );
      return { kind: "sleep", actions, note: reason };
    }
    // Its brokers are at work, and nothing else is to be done to them.
    case "fallingAsleep":
      return { kind: "sleep", actions: [], note: "the cell is falling asleep" };
    case "awake":
      break;
  }
  if (!limits.sleepsWhenIdle) return { kind: "awake", note: null };
  if (!demand.isIdle)
    return {
      kind: "awake",
      note: "the cell stays awake: it has been used, or is not known to be idle",
    };
  // A leader has to be there to put what it holds away.
  if (needs.unhealthyCount > 0 || zones.every(({ open }) => open.length === 0))
    return { kind: "awake", note: "the cell stays awake: not all of it is well" };
  const reason = "nobody has used the cell for a while";
  return { kind: "sleep", actions: [{ kind: "fallAsleep", reason }], note: reason };
}
