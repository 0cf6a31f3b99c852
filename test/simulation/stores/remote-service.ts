import type { SimHost } from "../machine/sim-host.ts";
import type { SimProcess } from "../machine/sim-process.ts";
import type { SimNetwork } from "../network/sim-network.ts";
import type { FaultName } from "../world/fault-table.ts";
import type { EventKind, World } from "../world/world.ts";

type ServiceFaults = {
  readonly before: FaultName;
  readonly after: FaultName;
  readonly late: FaultName;
  readonly stall: FaultName;
};

export type ServiceOptions = {
  readonly world: World;
  readonly network: SimNetwork;
  /** The service as a place on the network: whoever is cut off from it gets no answers. */
  readonly host: SimHost;
  readonly kind: EventKind;
  /** Between these, half there and half back. */
  readonly latencyMs: readonly [number, number];
  readonly lateMs: readonly [number, number];
  readonly stallMs: readonly [number, number];
  readonly faults: ServiceFaults;
  /** One more fault that makes some calls late. */
  readonly alsoLate?: {
    readonly fault: FaultName;
    readonly isOf: (what: string) => boolean;
    readonly lateMs: readonly [number, number];
  };
  /** What a caller is told when it cannot know what became of its call. */
  readonly unavailable: (why: string) => Error;
};

type Call<T> = {
  readonly what: string;
  readonly effect: () => T;
  readonly resolve: (value: T) => void;
  readonly reject: (error: Error) => void;
};

/** What a script has happen to one call: `unheard` is not carried out, `unanswered` is and its caller cannot know, `late` is carried out when the caller has long given up. */
export type Meddling =
  | { readonly kind: "unheard" | "unanswered" }
  | { readonly kind: "late"; readonly delayMs: number };

/** Asked about every call that arrives; null: nothing happens to it. */
export type Meddler = (call: {
  readonly process: SimProcess;
  readonly what: string;
}) => Meddling | null;

/** How long a client of it waits for an answer. */
const clientTimeoutMs = 1_000;

/** A service of AWS, as a process meets it: an effect that happens at one moment, before, after or without which an error may come. */
export class RemoteService {
  readonly #options: ServiceOptions;
  #isOut = false;
  #slowMs: readonly [number, number] | null = null;
  /** Calls without an answer so far, by who made them. */
  readonly #underWay = new Map<SimProcess, number>();
  meddler: Meddler | null = null;

  get host(): SimHost {
    return this.#options.host;
  }

  constructor(options: ServiceOptions) {
    this.#options = options;
    options.network.addHost(options.host);
  }

  /** Nobody gets an answer, and nothing is done, until it is over. */
  setOut(isOut: boolean): void {
    this.#isOut = isOut;
    this.#options.world.trace(() => `${this.#options.host.name} is ${isOut ? "out" : "back"}`);
  }

  /** Every call takes that long, there and back, until it is null again. */
  setSlow(slowMs: readonly [number, number] | null): void {
    this.#slowMs = slowMs;
    const { world, host } = this.#options;
    world.trace(() => `${host.name} is ${slowMs === null ? "as fast as ever" : "slow"}`);
  }

  underWayOf(process: SimProcess): number {
    return this.#underWay.get(process) ?? 0;
  }

  #countCall(process: SimProcess, change: 1 | -1): void {
    const count = this.underWayOf(process) + change;
    if (count === 0) this.#underWay.delete(process);
    else this.#underWay.set(process, count);
  }

  call<T>(process: SimProcess, what: string, effect: () => T): Promise<T> {
    this.#countCall(process, 1);
    return new Promise((resolve, reject) => {
      const { world, kind, faults, stallMs } = this.#options;
      const stall = world.faults.strikes(faults.stall)
        ? world.faults.stream(faults.stall).between(...stallMs)
        : 0;
      const there = this.#halfLatency() + stall;
      world.schedule(there, kind, () => {
        this.#arrive(process, { what, effect, resolve, reject });
      });
    });
  }

  #arrive<T>(process: SimProcess, call: Call<T>): void {
    const { world, kind, faults, host, network } = this.#options;
    const isHeard = !network.isBlocked(process.host, host) && !this.#isOut;
    const isAnswered = isHeard && !network.isBlocked(host, process.host);
    if (!isHeard) return this.#fail(process, call, { why: "no answer", afterMs: clientTimeoutMs });
    const meddling = this.meddler?.({ process, what: call.what }) ?? null;
    if (meddling?.kind === "unheard" || world.faults.strikes(faults.before)) {
      return this.#fail(process, call, { why: faults.before, afterMs: this.#halfLatency() });
    }
    const late = meddling?.kind === "late" ? meddling : this.#drawLate(call.what);
    if (late !== null) {
      world.trace(() => `${call.what} by ${process.name} will be done late`);
      world.schedule(late.delayMs, kind, () => void call.effect());
      return this.#fail(process, call, { why: faults.late, afterMs: this.#halfLatency() });
    }
    const outcome = attempt(call.effect);
    if (!isAnswered) {
      return this.#fail(process, call, { why: "no answer", afterMs: clientTimeoutMs });
    }
    if (meddling?.kind === "unanswered" || world.faults.strikes(faults.after)) {
      return this.#fail(process, call, { why: faults.after, afterMs: this.#halfLatency() });
    }
    world.schedule(this.#halfLatency(), kind, () => {
      this.#countCall(process, -1);
      process.deliver(() => {
        if (outcome.kind === "done") call.resolve(outcome.value);
        else call.reject(outcome.error);
      });
    });
  }

  #drawLate(what: string): { readonly delayMs: number } | null {
    const { world, faults, lateMs, alsoLate } = this.#options;
    const draw = (fault: FaultName, rangeMs: readonly [number, number]) =>
      world.faults.strikes(fault)
        ? { delayMs: world.faults.stream(fault).logBetween(...rangeMs) }
        : null;
    const late = draw(faults.late, lateMs);
    if (late !== null || alsoLate?.isOf(what) !== true) return late;
    return draw(alsoLate.fault, alsoLate.lateMs);
  }

  #fail<T>(
    process: SimProcess,
    call: Call<T>,
    { why, afterMs }: { why: string; afterMs: number },
  ): void {
    const { world, kind, unavailable } = this.#options;
    world.trace(() => `${call.what} by ${process.name} fails: ${why}`);
    world.schedule(afterMs, kind, () => {
      this.#countCall(process, -1);
      process.deliver(() => call.reject(unavailable(`${call.what}: ${why}`)));
    });
  }

  #halfLatency(): number {
    const { world, host, latencyMs } = this.#options;
    return world.stream(`service ${host.name}`).between(...(this.#slowMs ?? latencyMs)) / 2;
  }
}

function attempt<T>(
  effect: () => T,
): { kind: "done"; value: T } | { kind: "failed"; error: Error } {
  try {
    return { kind: "done", value: effect() };
  } catch (error) {
    return { kind: "failed", error: error as Error };
  }
}
