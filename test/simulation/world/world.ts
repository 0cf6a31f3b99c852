import type { EventHash } from "./event-hash.ts";
import { createEventHash } from "./event-hash.ts";
import { runLoop } from "./event-loop.ts";
import type { SimEvent } from "./event-queue.ts";
import { createEventQueue } from "./event-queue.ts";
import type { FaultRates } from "./fault-table.ts";
import type { Faults } from "./faults.ts";
import { createFaults } from "./faults.ts";
import type { Stream } from "./random-streams.ts";
import { createStreams } from "./random-streams.ts";

/** What an event is about, for traces and the event hash. */
export const eventKinds = {
  timer: 1,
  network: 2,
  disk: 3,
  objects: 4,
  metadata: 5,
  nemesis: 6,
  task: 7,
} as const;

export type EventKind = keyof typeof eventKinds;

/** Something was seen that must never be. */
export class Violation extends Error {
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = "Violation";
  }
}

export type RunLimits = {
  /** Simulated time since the start of the world at which to stop. */
  readonly untilMs?: number;
  /** Events since the start of the world after which to stop. */
  readonly maxEvents?: number;
  /** Stops once this is true; asked after every event. */
  readonly until?: () => boolean;
};

/** One simulated universe, drawn from a seed: time, chance, faults, and what happens next. Everything else in it is built on this. */
export type World = {
  readonly seed: number;
  /** Since the start, in ms. The true time, which no simulated clock need show. */
  readonly nowMs: number;
  readonly eventCount: number;
  readonly hash: EventHash;
  readonly faults: Faults;
  /** The random numbers of one component; the same for a name whatever else is drawn. */
  stream(name: string): Stream;
  /** Has `run` happen `delayMs` from now. */
  schedule(delayMs: number, kind: EventKind, run: () => void): SimEvent;
  /** At that moment: events of one moment happen in the order they were scheduled in. */
  scheduleAt(atMs: number, kind: EventKind, run: () => void): SimEvent;
  cancel(event: SimEvent): void;
  /** Called after every event, when its microtasks have run. */
  afterEvent(check: () => void): void;
  /** Ends the run; the first violation counts. */
  fail(message: string, cause?: unknown): void;
  readonly violation: Violation | null;
  /** A line for the trace; `line` is asked only if there is one. */
  trace(line: () => string): void;
  readonly isTracing: boolean;
  /** Runs events until a limit is reached, nothing is left, or a violation was seen, which is thrown. */
  run(limits?: RunLimits): Promise<void>;
  /** Runs until the promise of something simulated has settled. */
  settle<T>(work: Promise<T>): Promise<T>;
};

export type WorldOptions = {
  readonly seed: number;
  readonly faults?: FaultRates;
  readonly trace?: (line: string) => void;
  /** Code that runs in it may use the real clock: for suites that were not written for simulated time. */
  readonly mayEscape?: boolean;
};

export function createWorld(options: WorldOptions): World {
  const { seed, faults: rates = {}, trace, mayEscape = false } = options;
  const streams = createStreams(seed);
  const faults = createFaults(rates, streams);
  const queue = createEventQueue();
  const hash = createEventHash();
  const checks: (() => void)[] = [];
  let nowMs = 0;
  let eventCount = 0;
  let violation: Violation | null = null;

  function next(limits: RunLimits): boolean {
    if (eventCount >= (limits.maxEvents ?? Infinity)) return false;
    const untilMs = limits.untilMs ?? Infinity;
    const event = queue.take(untilMs);
    if (event === null) {
      if (untilMs < Infinity) nowMs = Math.max(nowMs, untilMs);
      return false;
    }
    nowMs = Math.max(nowMs, event.atMs);
    eventCount++;
    hash.add(nowMs);
    hash.add(event.kind);
    event.run();
    return true;
  }

  function settled(limits: RunLimits): boolean {
    for (const check of checks) check();
    return violation === null && limits.until?.() !== true;
  }

  const world: World = {
    seed,
    get nowMs() {
      return nowMs;
    },
    get eventCount() {
      return eventCount;
    },
    get violation() {
      return violation;
    },
    hash,
    faults,
    stream: streams,
    schedule: (delayMs, kind, run) =>
      queue.add(nowMs + Math.max(0, delayMs), eventKinds[kind], run),
    scheduleAt: (atMs, kind, run) => queue.add(Math.max(nowMs, atMs), eventKinds[kind], run),
    cancel: (event) => queue.cancel(event),
    afterEvent: (check) => void checks.push(check),
    fail(message, cause) {
      violation ??= new Violation(`at ${nowMs.toFixed(3)} ms, event ${eventCount}: ${message}`, {
        cause,
      });
      world.trace(() => `VIOLATION ${message}`);
    },
    isTracing: trace !== undefined,
    trace(line) {
      trace?.(`${nowMs.toFixed(3).padStart(13)} ${line()}`);
    },
    async run(limits = {}) {
      if (limits.until?.() === true) return;
      const step = { next: () => next(limits), settled: () => settled(limits) };
      if (mayEscape) await runLoop(step, true);
      else await runGuarded(world, () => runLoop(step, false));
      if (violation !== null) throw violation;
    },
    async settle(work) {
      let isSettled = false;
      const note = (): void => void (isSettled = true);
      work.then(note, note);
      await world.run({ until: () => isSettled });
      if (!isSettled)
        throw new Violation("nothing is left to happen, and what was waited for has not");
      return work;
    },
  };
  return world;
}

/** A rejection that nobody handles ends a Node process: here it ends the run. */
async function runGuarded(world: World, run: () => Promise<void>): Promise<void> {
  const unhandled = (reason: unknown): void => {
    world.fail(`a rejection that nobody handles: ${describe(reason)}`, reason);
  };
  process.on("unhandledRejection", unhandled);
  try {
    await run();
  } finally {
    process.off("unhandledRejection", unhandled);
  }
}

function describe(reason: unknown): string {
  return reason instanceof Error ? (reason.stack ?? reason.message) : String(reason);
}
