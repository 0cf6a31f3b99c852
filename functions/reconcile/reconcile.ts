import type { Command } from "../../metadata/commands/command.ts";
import { rejected } from "../../metadata/commands/command.ts";
import { evacuateBroker } from "../../metadata/commands/evacuate-broker.ts";
import type { EvacuationErrorCode } from "../../metadata/commands/evacuate-broker.ts";
import { sleepCell } from "../../metadata/commands/sleep-cell.ts";
import type { Clock } from "../../ports/clock.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import type { ApiReplica, Log } from "../api-context.ts";
import type { Capacity } from "./demand.ts";
import { demandOf } from "./demand.ts";
import type { Fleet } from "./fleet.ts";
import { fleetView } from "./fleet-view.ts";
import { readLoads } from "./loads.ts";
import { missingBrokers, missingBrokersLine } from "./missing-brokers.ts";
import { needsOf } from "./needs.ts";
import type { FleetAction, FleetLimits, FleetPlan } from "./planner.ts";
import { planFleet } from "./planner.ts";

export type ReconcileOptions = {
  readonly replica: ApiReplica;
  readonly objects: Pick<ObjectStore, "get" | "list">;
  readonly fleet: Fleet;
  readonly clock: Clock;
  readonly log: Log;
  readonly cell: string;
  readonly limits: FleetLimits;
  readonly capacity: Capacity;
};

/** What was decided, and what of it was done. */
export type ReconcileResult = FleetPlan & {
  readonly brokersPerZone: Readonly<Record<string, number>>;
  readonly done: readonly ActionOutcome[];
};

export type ActionOutcome = {
  readonly action: FleetAction;
  /** Why the cell refused it; the next run decides anew. */
  readonly failure: string | null;
};

/** Longer than ECS takes to choose the task it stops. */
const keepMinutes = 10;

/**
 * Compares the number of brokers with what load and partitions ask for, and changes it. Every minute, and whenever it is called: it keeps nothing between
 * its runs, so that two at a time, or one that is repeated, do no harm. Throws MetadataLogError, ObjectStoreError and what the fleet throws where it cannot even
 * look; and AggregateError, once everything else is done, where a change failed: only a run that throws is one that an alarm sees (ReconcileErrors).
 */
export async function reconcile(options: ReconcileOptions): Promise<ReconcileResult> {
  const { replica, objects, fleet, clock, log, cell, limits, capacity } = options;
  const [services, loads] = await Promise.all([
    fleet.read(),
    readLoads(objects, cell),
    replica.readToHead(),
  ]);
  const { image } = replica;
  const brokerIds = [...image.brokers.values()].flatMap(({ brokerId, state }) =>
    state === "fenced" ? [] : [brokerId],
  );
  const demand = demandOf(loads, { brokerIds, nowMs: clock.nowMs(), capacity });
  const needs = needsOf(image);
  const view = fleetView(image, services, { demand, needs });
  // Told before ECS is asked for anything: that may take as long as the run may.
  const missingCount = missingBrokers(view, limits);
  log.info("metrics", missingBrokersLine({ cell, atMs: clock.nowMs(), missingCount }));
  const plan = planFleet(view, limits);
  const done: ActionOutcome[] = [];
  const errors: Error[] = [];
  for (const action of plan.actions) {
    const { reason, ...fields } = action;
    try {
      const failure = await carryOut(action, options);
      done.push({ action, failure });
      if (failure === null) log.info(reason, fields);
      else log.warn("a change of the fleet was refused", { ...fields, reason, failure });
    } catch (error) {
      log.error("a change of the fleet failed", { ...fields, reason, failure: String(error) });
      errors.push(new Error(`${wordsFor(action)} (${reason}): ${String(error)}`, { cause: error }));
    }
  }
  log.info("fleet looked at", { demand, needs, perZone: plan.perZone, notes: plan.notes });
  if (errors.length > 0) throw failed(errors, plan);
  const brokersPerZone = Object.fromEntries(
    services.map(({ zone, desiredCount }) => [zone, desiredCount]),
  );
  return { ...plan, brokersPerZone, done };
}

/** Null, or why the cell refused it. Throws what the metadata log and the fleet throw. */
async function carryOut(
  action: FleetAction,
  { replica, fleet }: ReconcileOptions,
): Promise<string | null> {
  if (action.kind === "drain") {
    const drained = await replica.submit(drainAlone(action.brokerId));
    return drained.kind === "rejected" ? drained.message : null;
  }
  if (action.kind === "fallAsleep") {
    const asked = await replica.submit((image, context) => sleepCell(image, context));
    return asked.kind === "rejected" ? asked.message : null;
  }
  const { serviceName, to, stops, frees } = action;
  if (stops !== null && stops.keeps.length > 0) await fleet.keep(stops.keeps, keepMinutes);
  if (frees.length > 0) await fleet.free(frees);
  await fleet.setDesiredCount(serviceName, to);
  return null;
}

function wordsFor(action: FleetAction): string {
  switch (action.kind) {
    case "setDesiredCount":
      return `setting ${action.serviceName} from ${action.from} to ${action.to} tasks`;
    case "drain":
      return `emptying broker ${action.brokerId}`;
    case "fallAsleep":
      return "sending the cell to sleep";
  }
}

/** Its message has all of them, for Lambda shows no more of an error than that. */
function failed(errors: readonly Error[], { actions }: FleetPlan): AggregateError {
  const counts = `${errors.length} of ${actions.length} changes of the fleet failed`;
  const help = 'the next run tries again (docs/operating/alarms.md, "ReconcileErrors")';
  const each = errors.map(({ message }) => message).join("; ");
  return new AggregateError(errors, `${counts}, and ${help}: ${each}`);
}

/** Decided on the image that the drain is appended to: two runs at a time must not empty two brokers. */
function drainAlone(brokerId: number): Command<unknown, EvacuationErrorCode> {
  return (image, context) => {
    const [other] = [...image.brokers.values()].filter(
      ({ evacuation, state }) => evacuation !== null && state !== "fenced",
    );
    if (other !== undefined)
      return rejected("INVALID_REQUEST", `broker ${other.brokerId} is being emptied already`);
    return evacuateBroker(image, { brokerId }, context);
  };
}
