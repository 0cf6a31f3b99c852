import type { Clock } from "../../ports/clock.ts";
import type { MetadataLog } from "../../ports/metadata-log.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import type { Random } from "../../ports/random.ts";
import type { Command } from "../commands/command.ts";
import { createCell } from "../commands/create-cell.ts";
import { expireIdempotencyKeys } from "../commands/remember-reply.ts";
import type { MetadataChange } from "../image/changes.ts";
import type { Image } from "../image/image.ts";
import { limits } from "../limits.ts";
import type { MetadataDecodeError } from "../records/field-types.ts";
import type { Following } from "./following.ts";
import { startFollowing } from "./following.ts";
import { createGuard } from "./guard.ts";
import type { Guard } from "./guard.ts";
import { refuseLeftovers } from "./leftovers.ts";
import type { MetadataLogOutput } from "./log-output.ts";
import { createMaintenance } from "./maintenance.ts";
import type { Maintained } from "./maintenance.ts";
import { createReading } from "./reading.ts";
import { createReplay } from "./replay.ts";
import { submitCommand } from "./submit.ts";
import type { SubmitHow, Submitted, SubmitOptions } from "./submit.ts";

/** Hears of every applied entry, at once and in order. Must not throw, and must not wait. */
export type ChangeListener = (changes: readonly MetadataChange[], revision: number) => void;

/** This process's copy of the cell's metadata, and its way to change it. One per process. */
export type MetadataReplica = {
  /** The same object for the life of the replica, changed in place. */
  readonly image: Image;
  readonly revision: number;
  /** `stopped`: it met what it does not understand; it neither reads, appends nor snapshots any more. */
  readonly state: "following" | "stopped" | "closed";
  /** When the log was last asked for its head and gave it, on the clock's monotonic scale. */
  readonly lastReadMs: number;
  /** Makes a change. Throws MetadataLogError when the log does not answer; "unavailable" leaves open whether the change was made. */
  submit<Result, Code extends string>(
    command: Command<Result, Code>,
    how?: SubmitHow,
  ): Promise<Submitted<Result, Code>>;
  /** Applies everything that was appended before this call. Calls that wait together share one read. */
  readToHead(): Promise<number>;
  /** The same on behalf of a topic nobody knows, whoever asks for how many: at most ten reads a second (architecture 5). */
  readForUnknownTopic(): Promise<number>;
  onChange(listener: ChangeListener): () => void;
  /** How often the log is read though nobody has said that it grew: seldom by whom others tell. Each read costs. */
  pollEvery(pollMs: number): void;
  /**
   * Archives, snapshots, trims and drops old idempotency keys, as far as this process has followed the log. For the one process asked to, every few
   * seconds: when there is nothing to do it costs nothing.
   */
  maintain(): Promise<Maintained>;
  /** Stops following; the log and the store stay open, they are the caller's. */
  close(): Promise<void>;
};

export type MetadataReplicaOptions = {
  log: MetadataLog;
  objects: ObjectStore;
  clock: Clock;
  random: Random;
  output: MetadataLogOutput;
  /** Names the cell's place in the object store: `cells/<cell>/`. */
  cell: string;
  /** Called once when the replica stops for good; the process should say so and end. */
  onStopped?(reason: MetadataDecodeError): void;
  pollMs?: number;
  snapshotEvery?: number;
  /**
   * Each start of a broker appends the new leadership of all its partitions (10,000 are 32 KB): counted by entries alone, a start after a thousand others
   * would replay ten million partitions.
   */
  snapshotEveryBytes?: number;
  trimMargin?: number;
};

/** Loads snapshot and tail, creating the cell in an empty log. Throws MetadataDecodeError if a newer version wrote there. */
export async function openMetadataReplica(
  options: MetadataReplicaOptions,
): Promise<MetadataReplica> {
  const { log, objects, clock, random, output, cell } = options;
  const listeners = new Set<ChangeListener>();
  const replay = createReplay({
    log,
    objects,
    cell,
    output,
    onApplied(changes, revision) {
      for (const listener of listeners) listener(changes, revision);
    },
  });
  const { image } = replay;
  let following: Following | null = null;
  const guard = createGuard((reason) => {
    following?.stop();
    output.error("the metadata log holds what this version does not understand: upgrade it", {
      revision: image.revision + 1,
      error: reason.message,
    });
    options.onStopped?.(reason);
  });
  const turn = guard.run.bind(guard);
  const submission: SubmitOptions = { log, replay, clock, random, turn };
  let lastReadMs = clock.monotonicMs();
  const reading = createReading(guard, clock, async () => {
    // What the log had when it was asked; the answer may have waited for a process that stood still.
    const askedMs = clock.monotonicMs();
    await replay.catchUp();
    lastReadMs = askedMs;
    return image.revision;
  });
  await replay.catchUp();
  if (image.revision === 0) {
    await refuseLeftovers(objects, cell, () => isEmpty(log));
    await submitCommand(submission, createCell);
  }
  let { pollMs = 1_000 } = options;
  const { readToHead } = reading;
  following = startFollowing({ log, clock, output, pollMs: () => pollMs, readToHead });

  return {
    image,
    get revision() {
      return image.revision;
    },
    get state() {
      return guard.state();
    },
    get lastReadMs() {
      return lastReadMs;
    },
    submit: (command, how) => submitCommand(submission, command, how),
    ...reading,
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    maintain: createMaintain(options, guard, submission),
    pollEvery(otherMs) {
      if (otherMs === pollMs) return;
      pollMs = otherMs;
      following.paceChanged();
    },
    async close() {
      following.stop();
      await guard.close();
    },
  };
}

async function isEmpty(log: MetadataLog): Promise<boolean> {
  const first = await log.read(1, 1);
  return first !== "trimmed" && first.length === 0;
}

/** One run at a time; who asks during it gets its result. */
function createMaintain(
  options: MetadataReplicaOptions,
  guard: Guard,
  submission: SubmitOptions,
): () => Promise<Maintained> {
  const { log, objects, clock, cell, output } = options;
  const { snapshotEvery = 1_000, snapshotEveryBytes = 128 * 1024, trimMargin = 1_000 } = options;
  const { image } = submission.replay;
  const isFollowing = () => guard.state() === "following";
  const maintain = createMaintenance({
    log,
    objects,
    cell,
    image,
    replay: submission.replay,
    output,
    snapshotEvery,
    snapshotEveryBytes,
    trimMargin,
    isFollowing,
    turn: () => new Promise((resolve) => void clock.after(0, resolve)),
  });
  async function expire(): Promise<void> {
    const oldestMs = clock.nowMs() - limits.idempotencyRetentionMs;
    // A command reads the log to its head, which costs; so only if there is something to drop.
    for (const { createdAtMs } of image.idempotencyKeys.values()) {
      if (createdAtMs > oldestMs) continue;
      await submitCommand(submission, expireIdempotencyKeys);
      return;
    }
  }
  let running: Promise<Maintained> | null = null;
  return () => {
    running ??= guard
      .run(async () => undefined)
      .then(expire)
      .then(maintain)
      .finally(() => {
        running = null;
      });
    return running;
  };
}
