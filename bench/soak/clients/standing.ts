import type { Consumer } from "@platformatic/kafka";

/** Says on standard error where a member of a group stands while nothing happens to it: a hang in a library leaves no other trace. */
export type Standing = {
  at(phase: string): void;
  /** On performance.now()'s scale; null while no commit is under way. */
  commitsSince(atMs: number | null): void;
  stop(): void;
};

const patienceMs = 10_000;
const keptEvents = 40;

export function sayWhereItStands(consumer: Consumer<string, string, string, string>): Standing {
  let phase = "new";
  let phaseAtMs = performance.now();
  let committingSinceMs: number | null = null;
  const events: string[] = [];
  const emit = consumer.emit.bind(consumer) as (name: string, ...args: unknown[]) => boolean;
  const heard = (name: string, ...args: unknown[]): boolean => {
    const said = args.map((each) => (each instanceof Error ? each.message : "")).join(" ");
    events.push(`${new Date().toISOString().slice(11, 23)} ${name} ${said}`.trim());
    if (events.length > keptEvents) events.shift();
    return emit(name, ...args);
  };
  Object.assign(consumer, { emit: heard });
  const timer = setInterval(() => {
    const nowMs = performance.now();
    const stoodMs = nowMs - phaseAtMs;
    const commitMs = committingSinceMs === null ? 0 : nowMs - committingSinceMs;
    if (stoodMs < patienceMs && commitMs < patienceMs) return;
    const assigned = JSON.stringify(consumer.assignments);
    const words = [
      `${new Date().toISOString()} ${phase} for ${Math.round(stoodMs)} ms`,
      `committing for ${Math.round(commitMs)} ms, active ${consumer.isActive()}, connected ${consumer.isConnected()}`,
      `coordinator ${consumer.coordinatorId}, generation ${consumer.generationId}, assigned ${assigned}`,
      ...events.map((event) => `  ${event}`),
    ];
    process.stderr.write(`${words.join("\n")}\n`);
  }, patienceMs);
  timer.unref();
  return {
    at(next) {
      phase = next;
      phaseAtMs = performance.now();
    },
    commitsSince(atMs) {
      committingSinceMs = atMs;
    },
    stop: () => clearInterval(timer),
  };
}
