import type { Clock } from "../../ports/clock.ts";

/** Ten different things a minute, each once: enough to see what is wrong, too little to fill a disk with what strangers send. */
const maxPerPeriod = 10;
const periodMs = 60_000;

/** Tells whether to say something now, and how much was left unsaid since it was last asked. */
export type LogLimiter = (subject: string) => { readonly unsaidCount: number } | null;

export function createLogLimiter(clock: Clock): LogLimiter {
  let periodStartMs = -Infinity;
  let said = new Set<string>();
  let unsaidCount = 0;
  return (subject) => {
    const nowMs = clock.monotonicMs();
    if (nowMs - periodStartMs >= periodMs) {
      periodStartMs = nowMs;
      said = new Set();
    }
    if (said.has(subject) || said.size >= maxPerPeriod) {
      unsaidCount++;
      return null;
    }
    said.add(subject);
    const answer = { unsaidCount };
    unsaidCount = 0;
    return answer;
  };
}
