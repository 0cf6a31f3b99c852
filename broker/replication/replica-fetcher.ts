import type { Clock } from "../../ports/clock.ts";
import { errorCodes } from "../../protocol/errors.ts";
import type { LogOutput } from "../log-output.ts";
import type { Peer } from "../peers/peer.ts";
import { PeerError } from "../peers/peer.ts";
import type { PartitionWish, SessionRequest } from "./fetch-session-client.ts";
import { createFetchSessionClient } from "./fetch-session-client.ts";
import type { Followed, FollowedLog } from "./followed.ts";
import type { FollowerStep, LeaderAnswer } from "./follower-step.ts";
import { followedWatermarks, followerStep, recoveryStep } from "./follower-step.ts";
import {
  answerOf,
  replicaFetchRequest,
  replicaFetchResponse,
  type ReplicaFetchResponse,
} from "./replica-fetch-message.ts";

// One follower's loop over all partitions it follows one leader for (replication.md 5): ask, write what comes, and ask on from what is written. What the
// answer holds is in the log's ring before the next question, and written before that question tells the leader so.

type Tracked = {
  readonly followed: Followed;
  notBeforeMs: number;
  isAlarmed: boolean;
  isBusy: boolean;
};

export type FetcherOptions = {
  readonly selfId: number;
  readonly brokerEpoch: number;
  readonly leaderId: number;
  readonly peer: Peer;
  readonly clock: Clock;
  readonly log: LogOutput;
  /** Null if the ring has room for that many bytes; else resolves when it has. */
  readonly room: (bytes: number) => Promise<void> | null;
  /** Resolves when everything appended to these logs is written (flushed, for `fsync`), or never will be. */
  readonly whenWritten: (logs: readonly FollowedLog[]) => Promise<void>;
  readonly limits?: Partial<FetcherLimits>;
};

export type FetcherLimits = {
  /** replica.fetch.wait.max.ms */
  readonly maxWaitMs: number;
  /** replica.fetch.response.max.bytes, and replica.fetch.max.bytes for one partition. */
  readonly maxBytes: number;
  readonly maxPartitionBytes: number;
  /** replica.socket.timeout.ms */
  readonly timeoutMs: number;
  /** replica.fetch.backoff.ms */
  readonly backOffMs: number;
};

const defaultLimits: FetcherLimits = {
  maxWaitMs: 500,
  maxBytes: 10 * 1024 * 1024,
  maxPartitionBytes: 1024 * 1024,
  timeoutMs: 30_000,
  backOffMs: 1_000,
};

const fetchVersion = 18;
const firstPauseMs = 50;
const noLeaderEpochPauseMs = 100;

export type ReplicaFetcher = {
  /** Follows a partition, or follows it in a newer epoch. */
  follow(followed: Followed): void;
  unfollow(topicId: string, index: number): void;
  readonly size: number;
  /** Stops asking; resolves once nothing of it is under way. */
  stop(): Promise<void>;
};

const keyOf = (topicId: string, index: number): string => `${index}:${topicId}`;

export function createReplicaFetcher(options: FetcherOptions): ReplicaFetcher {
  const fetcher = new Fetcher(options);
  const done = fetcher.run();
  return {
    follow: (followed) => fetcher.follow(followed),
    unfollow: (topicId, index) => fetcher.unfollow(topicId, index),
    get size() {
      return fetcher.size;
    },
    stop() {
      fetcher.stop();
      return done;
    },
  };
}

class Fetcher {
  readonly #options: FetcherOptions;
  readonly #limits: FetcherLimits;
  readonly #session = createFetchSessionClient();
  readonly #tracked = new Map<string, Tracked>();
  #isStopped = false;
  #wake: (() => void) | null = null;
  #pauseMs = firstPauseMs;

  constructor(options: FetcherOptions) {
    this.#options = options;
    this.#limits = { ...defaultLimits, ...options.limits };
  }

  get size(): number {
    return this.#tracked.size;
  }

  follow(followed: Followed): void {
    const key = keyOf(followed.topicId, followed.index);
    this.#tracked.set(key, { followed, notBeforeMs: 0, isAlarmed: false, isBusy: false });
    this.#wake?.();
  }

  unfollow(topicId: string, index: number): void {
    this.#tracked.delete(keyOf(topicId, index));
  }

  stop(): void {
    this.#isStopped = true;
    this.#options.peer.close();
    this.#wake?.();
  }

  async run(): Promise<void> {
    while (!this.#isStopped) {
      try {
        await this.#round();
      } catch (error) {
        if (this.#isStopped) return;
        this.#session.reset();
        // A lost connection, a leader that is gone: the metadata log will say who leads now.
        const isExpected = error instanceof PeerError;
        const fields = { leader: this.#options.leaderId, error: String(error) };
        if (isExpected) this.#options.log.debug("cannot fetch from a leader", fields);
        else this.#options.log.error("following a leader failed", fields);
        await this.#pause(this.#pauseMs);
        this.#pauseMs = Math.min(this.#limits.backOffMs, this.#pauseMs * 2);
      }
    }
  }

  async #round(): Promise<void> {
    const wanted = this.#ready();
    if (wanted.size === 0) return this.#pause(this.#untilReadyMs());
    const response = await this.#ask(this.#session.next(wanted));
    this.#pauseMs = firstPauseMs;
    if (response.errorCode !== errorCodes.NONE) {
      this.#session.reset();
      return this.#pause(firstPauseMs);
    }
    this.#session.answered(response.sessionId);
    await this.#apply(response, wanted);
  }

  /** What can be asked for now: a log with bytes still on their way to the disk has no end to ask from. */
  #ready(): Map<string, PartitionWish> {
    const nowMs = this.#options.clock.monotonicMs();
    const wanted = new Map<string, PartitionWish>();
    for (const [key, tracked] of this.#tracked) {
      const { followed, notBeforeMs, isAlarmed, isBusy } = tracked;
      const { log } = followed;
      if (isAlarmed || isBusy || notBeforeMs > nowMs || log.failure !== null) continue;
      if (!log.isFollowable || log.nextOffset !== log.logEndOffset) {
        tracked.notBeforeMs = nowMs + 1;
        continue;
      }
      const step = recoveryStep(log, followed.recoveries());
      if (step !== null) {
        void this.#take(tracked, step);
        continue;
      }
      wanted.set(key, {
        topicId: followed.topicId,
        index: followed.index,
        leaderEpoch: followed.leaderEpoch,
        fetchOffset: log.logEndOffset,
        lastFetchedEpoch: log.leaderEpoch,
        logStartOffset: log.logStartOffset,
        highWatermark: log.highWatermark,
        pressedEnd: followed.pressedEnd(),
      });
    }
    return wanted;
  }

  #untilReadyMs(): number {
    const nowMs = this.#options.clock.monotonicMs();
    let earliestMs = nowMs + this.#limits.backOffMs;
    for (const { notBeforeMs, isAlarmed } of this.#tracked.values())
      if (!isAlarmed) earliestMs = Math.min(earliestMs, notBeforeMs);
    return Math.max(1, earliestMs - nowMs);
  }

  #ask(asked: SessionRequest): Promise<ReplicaFetchResponse> {
    const { selfId, brokerEpoch, peer } = this.#options;
    const { maxWaitMs, maxBytes, maxPartitionBytes, timeoutMs } = this.#limits;
    const topics = new Map<string, PartitionWish[]>();
    for (const wish of asked.wishes) {
      const list = topics.get(wish.topicId);
      if (list === undefined) topics.set(wish.topicId, [wish]);
      else list.push(wish);
    }
    return peer.call({
      request: replicaFetchRequest,
      response: replicaFetchResponse,
      version: fetchVersion,
      timeoutMs,
      body: {
        replicaState: { replicaId: selfId, replicaEpoch: brokerEpoch },
        maxWaitMs,
        minBytes: 1,
        maxBytes,
        sessionId: asked.sessionId,
        sessionEpoch: asked.sessionEpoch,
        topics: Array.from(topics, ([topicId, wishes]) => ({
          topicId,
          partitions: wishes.map((wish) => ({
            partition: wish.index,
            currentLeaderEpoch: wish.leaderEpoch,
            fetchOffset: wish.fetchOffset,
            lastFetchedEpoch: wish.lastFetchedEpoch,
            logStartOffset: wish.logStartOffset,
            partitionMaxBytes: maxPartitionBytes,
            highWatermark: wish.highWatermark,
            pressedEnd: wish.pressedEnd,
          })),
        })),
        forgottenTopicsData: asked.forgotten.map(({ topicId, index }) => ({
          topicId,
          partitions: [index],
        })),
      },
    });
  }

  async #apply(
    response: ReplicaFetchResponse,
    wanted: ReadonlyMap<string, PartitionWish>,
  ): Promise<void> {
    const grown: { tracked: Tracked; answer: LeaderAnswer }[] = [];
    for (const { topicId, partitions } of response.responses) {
      for (const answered of partitions) {
        const key = keyOf(topicId, answered.partitionIndex);
        const tracked = this.#tracked.get(key);
        const asked = wanted.get(key);
        if (this.#isStopped) return;
        // Followed no longer, or in another epoch since: that answer is another leader's.
        if (tracked === undefined || asked?.leaderEpoch !== tracked.followed.leaderEpoch) continue;
        // Moved meanwhile by someone else (a reload): the answer does not continue it.
        if (tracked.followed.log.nextOffset !== asked.fetchOffset) continue;
        const answer = answerOf(answered);
        if (answer.error !== "NONE") this.#session.refused(key);
        const { log, recoveries } = tracked.followed;
        const step = followerStep(log, answer, recoveries());
        if (step.kind !== "append") void this.#take(tracked, step);
        else {
          // Before what came is appended: on a full disk it is what makes room for that.
          tracked.followed.onColdEnds(answer);
          // Without a pause while there is room: what is appended in one go is written in one go.
          const room = this.#roomFor(answered.records);
          if (room !== null) await room;
          if (this.#append(tracked, answered.records)) grown.push({ tracked, answer });
        }
      }
    }
    await this.#options.whenWritten(grown.map(({ tracked }) => tracked.followed.log));
    for (const { tracked, answer } of grown) this.#adoptWatermarks(tracked, answer);
  }

  #roomFor(records: Uint8Array | null): Promise<void> | null {
    return records === null || records.length === 0 ? null : this.#options.room(records.length);
  }

  /** F3. False if what came could not be appended. */
  #append(tracked: Tracked, records: Uint8Array | null): boolean {
    if (records === null || records.length === 0) return true;
    const { log, leaderEpoch, durability } = tracked.followed;
    if (this.#isStopped || !this.#isCurrent(tracked)) return false;
    const nowMs = this.#options.clock.nowMs();
    const appended = log.follow(records, { leaderEpoch, durability: durability(), nowMs });
    if (appended.kind === "appended") return true;
    this.#backOff(tracked, appended.reason);
    return false;
  }

  #isCurrent({ followed }: Tracked): boolean {
    return this.#tracked.get(keyOf(followed.topicId, followed.index))?.followed === followed;
  }

  #adoptWatermarks(tracked: Tracked, answer: LeaderAnswer): void {
    if (!this.#isCurrent(tracked)) return;
    const { log, onWatermarks } = tracked.followed;
    if (log.failure !== null) return;
    const { highWatermark, logStartOffset } = followedWatermarks(log, answer);
    const hasMoved = highWatermark > log.highWatermark || logStartOffset > log.logStartOffset;
    if (highWatermark > log.highWatermark) log.advanceHighWatermark(highWatermark);
    if (logStartOffset > log.logStartOffset) void log.moveLogStart(logStartOffset);
    if (hasMoved) onWatermarks();
  }

  /** Everything but an append: done in the log's own time, the partition is not asked for meanwhile. */
  async #take(tracked: Tracked, step: FollowerStep): Promise<void> {
    const { log: output, leaderId } = this.#options;
    const { topicId, index, log, leaderEpoch } = tracked.followed;
    const about = { topicId, partition: index, leader: leaderId, leaderEpoch };
    tracked.isBusy = true;
    try {
      switch (step.kind) {
        case "append":
          return;
        case "backOff":
          return this.#backOff(tracked, step.reason);
        case "alarm":
          tracked.isAlarmed = true;
          output.error("a replica refuses to follow its leader", { ...about, reason: step.reason });
          return;
        case "truncate":
          output.info("truncating a replica", {
            ...about,
            from: log.nextOffset,
            to: step.toOffset,
          });
          if (!(await log.truncateTo(step.toOffset, step)))
            this.#backOff(tracked, "cannot truncate");
          return;
        case "restart":
          output.info("starting a replica anew", { ...about, at: step.atOffset });
          if (!(await log.restartAt(step.atOffset))) this.#backOff(tracked, "cannot restart");
          return;
        case "restartAtTier":
          return await this.#restartAtTier(tracked);
        case "skip":
          output.info("skipping what a recovery gave up", { ...about, to: step.toOffset });
          if (!(await log.skipTo(step.toOffset))) this.#backOff(tracked, "cannot skip");
          return;
      }
    } catch (error) {
      output.error("a replica cannot follow its leader", { ...about, error: String(error) });
      this.#backOff(tracked, String(error));
    } finally {
      tracked.isBusy = false;
      this.#wake?.();
    }
  }

  /** F5: what the leader has no longer is in the object store, and what was known at its end with it. */
  async #restartAtTier(tracked: Tracked): Promise<void> {
    const { topicId, index, log, beginning } = tracked.followed;
    const found = await beginning();
    if (found === null || found.offset <= log.nextOffset)
      return this.#backOff(tracked, "the object store does not go on behind this replica");
    this.#options.log.info("starting a replica where the object store ends", {
      topicId,
      partition: index,
      at: found.offset,
    });
    if (!this.#isCurrent(tracked)) return;
    // The manifest need not say how far the log start has moved, if nothing has left it: what was known here stays known.
    const logStartOffset = Math.max(found.before.logStartOffset, log.logStartOffset);
    if (!(await log.restartAt(found.offset, { ...found.before, logStartOffset })))
      this.#backOff(tracked, "cannot restart");
  }

  /** F7: the metadata log is followed meanwhile; a new epoch ends the pause. */
  #backOff(tracked: Tracked, reason: string): void {
    const { topicId, index } = tracked.followed;
    const { log, clock, leaderId } = this.#options;
    log.debug("a fetch is put off", { topicId, partition: index, leader: leaderId, reason });
    const pauseMs =
      reason === "UNKNOWN_LEADER_EPOCH" ? noLeaderEpochPauseMs : this.#limits.backOffMs;
    tracked.notBeforeMs = clock.monotonicMs() + pauseMs;
  }

  #pause(delayMs: number): Promise<void> {
    if (this.#isStopped) return Promise.resolve();
    return new Promise((resolve) => {
      const go = (): void => {
        cancel();
        this.#wake = null;
        resolve();
      };
      const cancel = this.#options.clock.after(delayMs, go);
      this.#wake = go;
    });
  }
}
