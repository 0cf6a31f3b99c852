import type { MetadataReplica } from "../../metadata/log/replica.ts";
import type { Clock } from "../../ports/clock.ts";
import { MetadataLogError } from "../../ports/metadata-log.ts";
import type { Network } from "../../ports/network.ts";
import type { Random } from "../../ports/random.ts";
import type { TierLookup } from "../../metadata/commands/recovery.ts";
import type { ReportedEnd } from "../../metadata/commands/recovery-plan.ts";
import type { LogOutput } from "../log-output.ts";
import type { CellCalls } from "./cell-calls.ts";
import { createCellCalls } from "./cell-calls.ts";
import type { CellConfig } from "./cell-config.ts";
import type {
  CellEffect,
  CellEvent,
  Heartbeat,
  HeartbeatAnswer,
  HeartbeatReport,
  SubmitOutcome,
} from "./cell-events.ts";
import { createCell, stepCell } from "./cell.machine.ts";
import type { CellState } from "./cell-state.ts";
import type { MetadataFeed } from "./metadata-feed.ts";
import { createMetadataFeed } from "./metadata-feed.ts";
import type { MetadataFollower } from "./metadata-follower.ts";
import { createMetadataFollower } from "./metadata-follower.ts";
import type { Reporter } from "./report.ts";
import type { TierEnds } from "./tier-ends.ts";
import { tieredEndsOf } from "./tier-ends.ts";
import type { VoteAnswer, VoteQuestion } from "./vote-message.ts";

/** This broker as a member of its cell: the machine (cell.machine.ts) with what it needs of the world, and what handlers ask of it. */
export type CellMember = {
  /** What of its partitions this broker may answer for now; changes in place. */
  readonly serving: { readonly reads: boolean; readonly acks1: boolean };
  readonly feed: MetadataFeed;
  heartbeatReceived(heartbeat: Heartbeat, report: HeartbeatReport): Promise<HeartbeatAnswer>;
  /** The connection over which a broker sends its heartbeats here is gone. */
  heartbeatsClosed(brokerId: number): void;
  voteAsked(question: VoteQuestion): Promise<VoteAnswer>;
  /** What brokers have said of the ends of their logs in partitions without a leader; known to the controller alone. */
  observedEnds(): readonly ReportedEnd[];
  /** What the object store was found to hold of partitions without a leader; known to the controller alone. */
  tieredEnds(): TierLookup | undefined;
  /** Every broker in service has replayed the revision; false when the time is over before. */
  whenWithAll(revision: number, limitMs: number): Promise<boolean>;
  /** Hands leaderships over and leaves in-sync sets, as far as there are others to go on (replication.md C5). Bounded by the drain time-out. */
  drain(): Promise<void>;
  stop(): Promise<void>;
};

export type CellMemberOptions = {
  readonly self: { readonly brokerId: number; readonly brokerEpoch: number };
  readonly config: CellConfig;
  readonly metadata: MetadataReplica;
  readonly network: Network;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: LogOutput;
  readonly reporter: Reporter;
  /** Null in a cell that keeps no records in the object store. */
  readonly tierEnds: TierEnds | null;
  /** The process must not go on under this name: its place in the log was taken, or given up. */
  readonly onReplaced: (error: ReplacedError) => void;
  /** The cell sleeps, and the broker may be closed. */
  readonly onAsleep: () => void;
};

/** The log no longer names this process as the broker it was started as. */
export class ReplacedError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "ReplacedError";
  }
}

export function createCellMember(options: CellMemberOptions): CellMember {
  const member = new Member(options);
  member.start();
  return member;
}

type Reply = (effect: CellEffect) => void;
type EffectOf<Type extends CellEffect["type"]> = Extract<CellEffect, { type: Type }>;

class Member implements CellMember {
  readonly serving = { reads: true, acks1: true };
  readonly feed: MetadataFeed;
  readonly #options: CellMemberOptions;
  readonly #state: CellState;
  readonly #calls: CellCalls;
  readonly #follower: MetadataFollower;
  readonly #replies = new Map<number, Reply>();
  #nextReply = 1;
  #nextReportMs = 0;
  /** Events that come while one is taken in: an effect may have its answer at once. */
  readonly #events: CellEvent[] = [];
  #isStepping = false;
  #isStopped = false;
  #cancelTick: () => void = () => undefined;
  #stopListening: () => void = () => undefined;
  #drained: (() => void) | null = null;
  #hasDrained = false;

  constructor(options: CellMemberOptions) {
    this.#options = options;
    const { self, config, metadata, network, clock, random, tierEnds } = options;
    const { brokerId: selfId } = self;
    const { image } = metadata;
    this.#state = createCell({
      ...self,
      config,
      hasTier: tierEnds !== null,
      random: () => random.float(),
      nowMs: clock.monotonicMs(),
    });
    this.#calls = createCellCalls({
      selfId,
      image,
      network,
      clock,
      heartbeatTimeoutMs: config.sessionMs / 3,
      onLost: (brokerId) => this.#take({ type: "connectionClosed", brokerId, side: "ours" }),
    });
    this.feed = createMetadataFeed({ selfId, image, clock, readLog: () => this.#readLog() });
    const onTold = (isTold: boolean): void =>
      metadata.pollEvery(isTold ? config.toldPollMs : config.pollMs);
    this.#follower = createMetadataFollower({ self, metadata, network, clock, onTold });
  }

  start(): void {
    const { metadata } = this.#options;
    this.#stopListening = metadata.onChange((changes) => {
      this.#take({ type: "applied", changes });
      this.feed.applied();
    });
    this.#tick();
  }

  heartbeatReceived(heartbeat: Heartbeat, report: HeartbeatReport): Promise<HeartbeatAnswer> {
    return new Promise((resolve) => {
      const replyTo = this.#expect((effect) => {
        if (effect.type === "answerHeartbeat") resolve(effect.answer);
      });
      this.#take({ type: "heartbeatReceived", replyTo, heartbeat, report });
    });
  }

  heartbeatsClosed(brokerId: number): void {
    this.#take({ type: "connectionClosed", brokerId, side: "theirs" });
  }

  voteAsked({ controllerEpoch }: VoteQuestion): Promise<VoteAnswer> {
    return new Promise((resolve) => {
      const replyTo = this.#expect((effect) => {
        if (effect.type === "answerVote") resolve(effect);
      });
      this.#take({ type: "voteAsked", replyTo, controllerEpoch });
    });
  }

  observedEnds(): readonly ReportedEnd[] {
    const { office } = this.#state;
    return [...(office?.ends.values() ?? [])].flatMap((said) => [...said.values()]);
  }

  tieredEnds(): TierLookup | undefined {
    return tieredEndsOf(this.#state);
  }

  async whenWithAll(revision: number, limitMs: number): Promise<boolean> {
    const { self, metadata } = this.#options;
    const { controller, brokers } = metadata.image;
    if (brokers.size <= 1) return true;
    if (controller.brokerId !== self.brokerId) return this.#follower.whenWithAll(revision, limitMs);
    const asked = { ...self, revision, awaitsAll: true, maxWaitMs: limitMs };
    const answer = await this.feed.fetched(asked, () => () => undefined);
    return answer?.isWithAll === true;
  }

  drain(): Promise<void> {
    if (this.#hasDrained || this.#isStopped) return Promise.resolve();
    return new Promise((resolve) => {
      this.#drained = resolve;
      this.#take({ type: "stopAsked" });
    });
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#cancelTick();
    this.#stopListening();
    this.#calls.close();
    this.feed.close();
    await this.#follower.stop();
  }

  #expect(reply: Reply): number {
    const replyTo = this.#nextReply++;
    this.#replies.set(replyTo, reply);
    return replyTo;
  }

  #tick(): void {
    if (this.#isStopped) return;
    const { clock, config, metadata, self, reporter } = this.#options;
    this.#take({ type: "tick", logReadMs: metadata.lastReadMs });
    const { controller, leaderlessCount } = metadata.image;
    if (controller.brokerId === self.brokerId && (leaderlessCount > 0 || this.#isReportDue()))
      this.#take({ type: "ownReport", report: reporter.next() });
    this.#cancelTick = clock.after(config.tickMs, () => this.#tick());
  }

  /** The controller tells itself as often as others tell it. */
  #isReportDue(): boolean {
    const { clock, config } = this.#options;
    const nowMs = clock.monotonicMs();
    if (nowMs < this.#nextReportMs) return false;
    this.#nextReportMs = nowMs + config.heartbeatMs;
    return true;
  }

  #take(event: CellEvent): void {
    if (this.#isStopped) return this.#answerStopped(event);
    this.#events.push(event);
    if (this.#isStepping) return;
    this.#isStepping = true;
    try {
      for (let next = this.#events.shift(); next !== undefined; next = this.#events.shift()) {
        const { clock, metadata } = this.#options;
        const at = { image: metadata.image, nowMs: clock.monotonicMs() };
        for (const effect of stepCell(this.#state, next, at)) this.#perform(effect);
      }
    } finally {
      this.#isStepping = false;
    }
  }

  /** The broker is closing: whoever still asks hears what a broker says that has ended its part. */
  #answerStopped(event: CellEvent): void {
    if (event.type !== "heartbeatReceived" && event.type !== "voteAsked") return;
    const { clock, metadata } = this.#options;
    this.#state.isStopped = true;
    const at = { image: metadata.image, nowMs: clock.monotonicMs() };
    for (const effect of stepCell(this.#state, event, at)) this.#perform(effect);
  }

  #perform(effect: CellEffect): void {
    switch (effect.type) {
      case "heartbeat":
        return void this.#sendHeartbeat(effect);
      case "answerHeartbeat":
      case "answerVote": {
        const reply = this.#replies.get(effect.replyTo);
        this.#replies.delete(effect.replyTo);
        return reply?.(effect);
      }
      case "dial":
        return void this.#dial(effect);
      case "askVote":
        for (const brokerId of effect.brokerIds) void this.#askVote(effect, brokerId);
        return;
      case "submit":
        return void this.#submit(effect);
      case "readLog":
        return void this.#readLog();
      case "readTier":
        return void this.#readTier(effect);
      case "serve":
        return this.#serve(effect);
      case "alarm":
        return this.#options.log.error(effect.message, effect.fields);
      case "sleep":
        this.#options.log.info("the cell sleeps: a broker that starts wakes it");
        return this.#options.onAsleep();
      case "stop":
        return this.#end(effect);
    }
  }

  async #sendHeartbeat({ brokerId, heartbeat }: EffectOf<"heartbeat">): Promise<void> {
    const outcome = await this.#calls.heartbeat(brokerId, heartbeat, this.#options.reporter.next());
    const { counter } = heartbeat;
    this.#take(
      outcome.kind === "answered"
        ? { type: "heartbeatAnswered", counter, answer: outcome.answer }
        : { type: "heartbeatFailed", counter, reason: outcome.reason },
    );
  }

  async #dial({ brokerId, timeoutMs }: EffectOf<"dial">): Promise<void> {
    const outcome = await this.#calls.dial(brokerId, timeoutMs);
    this.#take({ type: "dialled", brokerId, outcome });
  }

  async #askVote(
    { round, controllerEpoch, timeoutMs }: EffectOf<"askVote">,
    brokerId: number,
  ): Promise<void> {
    const question = { brokerId: this.#options.self.brokerId, controllerEpoch };
    const reply = await this.#calls.askVote(brokerId, question, timeoutMs);
    this.#take({ type: "voteAnswered", round, brokerId, ...reply });
  }

  async #submit({ id, name, command, isController }: EffectOf<"submit">): Promise<void> {
    const { metadata, log } = this.#options;
    let outcome: SubmitOutcome;
    try {
      const submitted = await metadata.submit(command, { isController });
      outcome =
        submitted.kind === "accepted"
          ? { kind: "accepted", result: submitted.result }
          : { kind: "rejected", error: submitted.error };
      log.debug("the cell's metadata were changed", { command: name, outcome: outcome.kind });
    } catch (error) {
      if (!(error instanceof MetadataLogError)) throw error;
      log.debug("a change of the cell's metadata had no answer", { command: name });
      outcome = { kind: "unavailable" };
    }
    this.#take({ type: "submitted", id, outcome });
  }

  async #readTier({ officeEpoch, partitions }: EffectOf<"readTier">): Promise<void> {
    const { tierEnds, log } = this.#options;
    const ends = await (tierEnds?.ends(partitions) ?? Promise.resolve(null)).catch(
      (error: unknown) => {
        log.warn("partitions without a leader wait: the object store does not tell its part", {
          error: String(error),
        });
        return null;
      },
    );
    this.#take({ type: "tierRead", officeEpoch, partitions, ends });
  }

  async #readLog(): Promise<void> {
    try {
      await this.#options.metadata.readToHead();
    } catch (error) {
      // The replica says so once; the next poll finds what there is.
      if (!(error instanceof MetadataLogError)) throw error;
    }
  }

  #serve({ reads, acks1 }: EffectOf<"serve">): void {
    Object.assign(this.serving, { reads, acks1 });
    const { log } = this.#options;
    if (reads) return log.info("serving consumers again", { acks1 });
    log.warn(
      "neither the metadata log nor a controller that has read it can be heard: consumers are not answered, for this broker may have been replaced",
      { acks1 },
    );
  }

  #end({ reason }: EffectOf<"stop">): void {
    this.#hasDrained = true;
    this.#drained?.();
    if (reason === "drained") return;
    this.#options.onReplaced(
      new ReplacedError(
        reason === "replaced"
          ? "another process was registered for this data directory"
          : "this broker was taken out of the cell",
      ),
    );
  }
}
