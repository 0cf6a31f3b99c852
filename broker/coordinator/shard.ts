import type { Clock } from "../../ports/clock.ts";
import type { LogOutput } from "../log-output.ts";
import { sizeBytes } from "./coordinator-log.ts";
import type { AppendResult, CoordinatorLog, KeyValue } from "./coordinator-log.ts";
import { LogUpkeep } from "./log-upkeep.ts";
import type { ShardLimits } from "./shard-limits.ts";
import type { CoordinatorError, Decision, Outcome, StateMachine, Time } from "./state-machine.ts";
import { createWaitLimit } from "./wait-limit.ts";
import type { Waiting, WaitLimit } from "./wait-limit.ts";

export type ShardOptions<Machine> = {
  readonly name: string;
  readonly clock: Clock;
  readonly log: CoordinatorLog;
  readonly createMachine: () => Machine;
  readonly limits: ShardLimits;
  readonly output: LogOutput;
};

/** `failed`: the log could not be appended to or read; loads again by itself. */
export type ShardState = "loading" | "active" | "failed" | "closed";

/**
 * What a decision does while the queue is full. "decide": for what follows from a decision already committed, which nobody would ask for again, and
 * for what adds nothing to the log, like a heartbeat. Both are bounded by what was let in before.
 */
export type WhenFull = "refuse" | "decide";

type Parked = Waiting & {
  readonly records: readonly KeyValue[];
  readonly bytes: number;
  /** Null: committed. */
  settle(error: CoordinatorError | null): void;
};

type AppendFailure = Exclude<AppendResult, { kind: "committed" }>;

/**
 * One coordinator's state and its log. Decisions see every decision before them; their replies wait until their records are committed. While an append
 * is in flight decisions queue, and the next append takes them all. When an append fails, everything undecided by the log is answered with a retriable
 * error and the state is loaded anew: memory never holds what the log may not.
 *
 * Nobody waits longer than `commitTimeoutMs`. Who has is told COORDINATOR_NOT_AVAILABLE, and nothing else changes: the append is in the log and may
 * commit yet, so the state keeps it, and a retry writes the same again. That is Kafka's rule too (CoordinatorRuntime's write timeout). Until the log
 * commits something, requests are refused at once instead of queueing behind it.
 */
export class CoordinatorShard<Entry, Machine extends StateMachine<Entry>> {
  readonly #options: ShardOptions<Machine>;
  #state: ShardState = "loading";
  /** What to answer while failed. */
  #failure: CoordinatorError = "COORDINATOR_NOT_AVAILABLE";
  #machine: Machine;
  /** Counts instances of the machine: what was started for an earlier one is ignored when it completes. */
  #incarnation = 0;
  #queue: Parked[] = [];
  /** What the append under way holds. */
  #inFlight: readonly Parked[] = [];
  readonly #waitLimit: WaitLimit;
  #queuedBytes = 0;
  #isAppending = false;
  #isPumpPlanned = false;
  #upkeep: LogUpkeep<Entry>;
  #retryMs = 0;
  #timer: { atMs: number; cancel: () => void } | null = null;
  #whenSettled: (() => void)[] = [];

  constructor(options: ShardOptions<Machine>) {
    this.#options = options;
    this.#machine = options.createMachine();
    this.#upkeep = new LogUpkeep(this.#machine, options);
    this.#waitLimit = createWaitLimit(options.clock, {
      waiting: () => [...this.#inFlight, ...this.#queue],
      onFirst: () =>
        options.output.warn("A coordinator's log does not commit; requests are refused meanwhile", {
          coordinator: options.name,
          waitedMs: options.limits.commitTimeoutMs,
        }),
    });
    void this.#load();
  }

  get state(): ShardState {
    return this.#state;
  }

  /** Bytes of keys and values between log start and log end, as far as this shard knows. */
  get logBytes(): number {
    return this.#upkeep.logBytes;
  }

  /** Resolves when the load under way has ended, well or not. */
  async whenLoaded(): Promise<void> {
    while (this.#state === "loading")
      await new Promise<void>((resolve) => this.#whenSettled.push(resolve));
  }

  /** Decides at once; resolves when the decision's entries are committed, at once if it has none. */
  write<Reply>(
    decide: (machine: Machine, time: Time) => Decision<Entry, Reply>,
    whenFull: WhenFull = "refuse",
  ): Promise<Outcome<Reply>> {
    const refusal = this.#refusal(whenFull) ?? this.#shortage(whenFull);
    if (refusal !== null) return Promise.resolve({ kind: "failed", error: refusal });
    const decision = decide(this.#machine, this.#time());
    return this.#park(decision);
  }

  /** Looks at the state at once; resolves when everything it may have seen is committed. */
  read<Reply>(look: (machine: Machine, time: Time) => Reply): Promise<Outcome<Reply>> {
    const refusal = this.#refusal("refuse");
    if (refusal !== null) return Promise.resolve({ kind: "failed", error: refusal });
    const reply = look(this.#machine, this.#time());
    if (!this.#isAppending && this.#queue.length === 0)
      return Promise.resolve({ kind: "done", reply });
    return this.#enqueue({ entries: [], reply }, { records: [], bytes: 0 });
  }

  /** Looks at the state as it is, committed or not; null unless active. */
  peek<Reply>(look: (machine: Machine, time: Time) => Reply): Reply | null {
    return this.#state === "active" ? look(this.#machine, this.#time()) : null;
  }

  /** Stops serving: another broker coordinates these keys now, or this one stops. Everything parked is answered. */
  close(error: CoordinatorError = "NOT_COORDINATOR"): void {
    if (this.#state === "closed") return;
    this.#abandon(error);
    this.#enter("closed");
  }

  #time(): Time {
    const { clock } = this.#options;
    return { nowMs: clock.monotonicMs(), wallMs: clock.nowMs() };
  }

  #enter(state: ShardState): void {
    this.#state = state;
    const waiting = this.#whenSettled;
    this.#whenSettled = [];
    for (const wake of waiting) wake();
  }

  #refusal(whenFull: WhenFull): CoordinatorError | null {
    switch (this.#state) {
      case "loading":
        return "COORDINATOR_LOAD_IN_PROGRESS";
      case "failed":
        return this.#failure;
      case "closed":
        return "NOT_COORDINATOR";
      case "active": {
        if (whenFull === "decide") return null;
        if (this.#waitLimit.isOver) return "COORDINATOR_NOT_AVAILABLE";
        const { queueBytes, queueCount } = this.#options.limits;
        // Backpressure: clients back off on this code and, unlike on the others, do not look for another coordinator.
        const isFull = this.#queuedBytes >= queueBytes || this.#queue.length >= queueCount;
        return isFull ? "COORDINATOR_LOAD_IN_PROGRESS" : null;
      }
    }
  }

  /** Asked before anything is decided: a decision that the log then refuses costs the whole state, which is loaded anew. */
  #shortage(whenFull: WhenFull): CoordinatorError | null {
    const isShort = whenFull === "refuse" && this.#options.log.isShortOfReplicas();
    return isShort ? "COORDINATOR_NOT_AVAILABLE" : null;
  }

  #park<Reply>(decision: Decision<Entry, Reply>): Promise<Outcome<Reply>> {
    const records = decision.entries.map((entry) => this.#machine.encode(entry));
    const bytes = records.reduce((sum, record) => sum + sizeBytes(record), 0);
    if (bytes > this.#options.limits.batchBytes) {
      decision.tooLarge?.();
      this.#armTimer();
      return Promise.resolve({ kind: "failed", error: "RECORD_LIST_TOO_LARGE" });
    }
    for (const entry of decision.entries) this.#machine.replay(entry);
    this.#armTimer();
    if (records.length === 0) return Promise.resolve({ kind: "done", reply: decision.reply });
    return this.#enqueue(decision, { records, bytes });
  }

  #enqueue<Reply>(
    { reply, overdue }: Decision<Entry, Reply>,
    content: { readonly records: readonly KeyValue[]; readonly bytes: number },
  ): Promise<Outcome<Reply>> {
    return new Promise((resolve) => {
      const settle = (error: CoordinatorError | null) =>
        resolve(error === null ? { kind: "done", reply } : { kind: "failed", error });
      const giveUp = () => {
        if (overdue === undefined) settle("COORDINATOR_NOT_AVAILABLE");
        else void this.#park(overdue(this.#time()));
      };
      const deadlineMs = this.#options.clock.monotonicMs() + this.#options.limits.commitTimeoutMs;
      this.#queue.push({ ...content, settle, giveUp, deadlineMs, isGivenUp: false });
      this.#queuedBytes += content.bytes;
      this.#waitLimit.watch(deadlineMs);
      this.#planPump();
    });
  }

  /** The append starts behind the current turn of the event loop's microtasks, so that decisions made together travel together. */
  #planPump(): void {
    if (this.#isPumpPlanned || this.#isAppending) return;
    this.#isPumpPlanned = true;
    queueMicrotask(() => {
      this.#isPumpPlanned = false;
      if (this.#state === "active" && !this.#isAppending) void this.#pump();
    });
  }

  async #pump(): Promise<void> {
    const incarnation = this.#incarnation;
    this.#isAppending = true;
    while (this.#state === "active" && incarnation === this.#incarnation) {
      const taken = this.#takeQueued();
      this.#inFlight = taken;
      // Only behind everything decided: a rewritten entry must not come before the decision that made it.
      const piece = this.#queue.length === 0 ? this.#upkeep.nextPiece() : [];
      const failure = await this.#appendAll(taken, piece, incarnation);
      // Closed meanwhile, and everybody answered. Whether it was committed is for the next coordinator to know.
      if (incarnation !== this.#incarnation) return;
      this.#inFlight = [];
      if (failure !== null) return this.#fail(failure, taken);
      if (taken.length + piece.length + this.#queue.length === 0) break;
    }
    if (incarnation === this.#incarnation) this.#isAppending = false;
  }

  /** Decisions first, in one batch, with what of the piece fits; the rest of the piece before anything decided from now on. */
  async #appendAll(
    taken: readonly Parked[],
    piece: readonly KeyValue[],
    incarnation: number,
  ): Promise<AppendFailure | null> {
    const decided = taken.flatMap((parked) => parked.records);
    let unsettled = taken;
    for (const batch of batchesOf(decided, piece, this.#options.limits.batchBytes)) {
      if (batch.length > 0) {
        const result = await this.#append(batch);
        if (incarnation !== this.#incarnation) return null;
        if (result.kind !== "committed") return result;
        this.#upkeep.committed(result.nextOffset, batch);
        this.#retryMs = 0;
        this.#waitLimit.moved();
      }
      for (const parked of unsettled) parked.settle(null);
      unsettled = this.#inFlight = [];
    }
    this.#upkeep.settled();
    return null;
  }

  #takeQueued(): Parked[] {
    const { batchBytes } = this.#options.limits;
    let count = 0;
    let bytes = 0;
    for (const parked of this.#queue) {
      if (bytes + parked.bytes > batchBytes) break;
      bytes += parked.bytes;
      count += 1;
    }
    this.#queuedBytes -= bytes;
    return this.#queue.splice(0, count);
  }

  async #append(records: readonly KeyValue[]): Promise<AppendResult> {
    try {
      return await this.#options.log.append(records);
    } catch (cause) {
      return { kind: "unavailable", reason: String(cause) };
    }
  }

  #fail(result: AppendFailure, taken: readonly Parked[]): void {
    const { reason } = result;
    this.#options.output.warn("A coordinator could not append to its log; loading it again", {
      coordinator: this.#options.name,
      reason,
    });
    const error = result.kind === "fenced" ? "NOT_COORDINATOR" : "COORDINATOR_NOT_AVAILABLE";
    for (const parked of taken) parked.settle(error);
    this.#retryLater(error);
  }

  #retryLater(error: CoordinatorError): void {
    const { retryMinimumMs, retryMaximumMs } = this.#options.limits;
    this.#failure = error;
    this.#abandon(error);
    this.#enter("failed");
    this.#retryMs = Math.min(Math.max(retryMinimumMs, this.#retryMs * 2), retryMaximumMs);
    const cancel = this.#options.clock.after(this.#retryMs, () => {
      this.#timer = null;
      this.#machine = this.#options.createMachine();
      this.#upkeep = new LogUpkeep(this.#machine, this.#options);
      this.#enter("loading");
      void this.#load();
    });
    this.#timer = { atMs: 0, cancel };
  }

  /** Ends this incarnation: nothing it started may touch the shard again. */
  #abandon(error: CoordinatorError): void {
    this.#incarnation += 1;
    this.#timer?.cancel();
    this.#timer = null;
    this.#isAppending = false;
    this.#upkeep.end();
    this.#waitLimit.stop();
    const parked = [...this.#inFlight, ...this.#queue];
    this.#inFlight = [];
    this.#queue = [];
    this.#queuedBytes = 0;
    for (const each of parked) each.settle(error);
    this.#machine.abandon(error);
  }

  async #load(): Promise<void> {
    const incarnation = this.#incarnation;
    const machine = this.#machine;
    const upkeep = this.#upkeep;
    try {
      for await (const piece of this.#options.log.read()) {
        if (incarnation !== this.#incarnation) return;
        for (const record of piece.records) machine.replay(machine.decode(record));
        upkeep.loaded(piece);
      }
    } catch (cause) {
      if (incarnation !== this.#incarnation) return;
      this.#options.output.error("A coordinator could not load its state; trying again", {
        coordinator: this.#options.name,
        error: cause,
      });
      this.#retryLater("COORDINATOR_NOT_AVAILABLE");
      return;
    }
    if (incarnation !== this.#incarnation) return;
    machine.loaded(this.#time().nowMs);
    this.#enter("active");
    this.#armTimer();
    this.#planPump();
  }

  #armTimer(): void {
    if (this.#state !== "active") return;
    const atMs = this.#machine.nextTimerMs();
    if (this.#timer !== null && (atMs === null || this.#timer.atMs > atMs)) {
      this.#timer.cancel();
      this.#timer = null;
    }
    if (atMs === null || this.#timer !== null) return;
    const delayMs = Math.max(0, atMs - this.#options.clock.monotonicMs());
    const cancel = this.#options.clock.after(delayMs, () => this.#onTimer());
    this.#timer = { atMs, cancel };
  }

  #onTimer(): void {
    this.#timer = null;
    if (this.#state !== "active") return;
    // A full queue only means that the timer's entries travel a little later; they are as few as the machine makes them.
    void this.#park(this.#machine.onTimer(this.#time()));
  }
}

/** The first batch holds all of `decided`, which was taken to fit. */
function batchesOf(
  decided: readonly KeyValue[],
  piece: readonly KeyValue[],
  batchBytes: number,
): KeyValue[][] {
  let batch = [...decided];
  let bytes = batch.reduce((sum, record) => sum + sizeBytes(record), 0);
  const batches = [batch];
  for (const record of piece) {
    if (batch.length > 0 && bytes + sizeBytes(record) > batchBytes) {
      batch = [];
      bytes = 0;
      batches.push(batch);
    }
    batch.push(record);
    bytes += sizeBytes(record);
  }
  return batches;
}
