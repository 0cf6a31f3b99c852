import type { RecoveryPlan } from "../../metadata/commands/recovery-plan.ts";
import type { Office, Step } from "./cell-state.ts";

/** What whoever runs the cell has to know of a command that was carried out: records that were given up. */
export function alarmAfter(duty: string, result: unknown, { effects }: Step): void {
  if (duty === "declareLost") {
    const message = "a broker's disk is given up: nobody waits for its replicas any longer";
    effects.push({ type: "alarm", message, fields: {} });
  }
  if (duty !== "recover" || !Array.isArray(result)) return;
  const plans = result as readonly RecoveryPlan[];
  const lossy = plans.filter(({ kind, givenUp }) => kind === "lossy" || givenUp.length > 0);
  if (lossy.length > 0) {
    const message = "partitions were given leaders that may lack records";
    const fields = { partitions: lossy.length, examples: lossy.slice(0, 10) };
    effects.push({ type: "alarm", message, fields });
  }
  if (plans.length > lossy.length) {
    const message =
      "partitions go on after all of their replicas crashed, above a gap in their offsets";
    effects.push({ type: "alarm", message, fields: { partitions: plans.length - lossy.length } });
  }
}

const everyMs = 60_000;

/** Partitions that nobody can lead at the moment, once a minute. */
export function alarmLeaderless(office: Office, { image, nowMs, effects }: Step): void {
  if (image.leaderlessCount === 0) {
    office.nextMs.set("alarmLeaderless", nowMs + everyMs);
    return;
  }
  const dueMs = office.nextMs.get("alarmLeaderless");
  if (dueMs === undefined || nowMs >= dueMs) office.nextMs.set("alarmLeaderless", nowMs + everyMs);
  if (dueMs === undefined || nowMs < dueMs) return;
  const message = "partitions are without a leader for a minute: their replicas are waited for";
  effects.push({ type: "alarm", message, fields: { partitions: image.leaderlessCount } });
}
