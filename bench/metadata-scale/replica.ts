import type { Command } from "../../metadata/commands/command.ts";
import type { MetadataChange } from "../../metadata/image/changes.ts";
import type { Image } from "../../metadata/image/image.ts";
import { startFollowing } from "../../metadata/log/following.ts";
import { createGuard } from "../../metadata/log/guard.ts";
import { createReading } from "../../metadata/log/reading.ts";
import type { Replay } from "../../metadata/log/replay.ts";
import { submitCommand } from "../../metadata/log/submit.ts";
import type { SubmitHow, Submitted } from "../../metadata/log/submit.ts";
import type { Clock } from "../../ports/clock.ts";
import type { MetadataLog } from "../../ports/metadata-log.ts";
import type { Random } from "../../ports/random.ts";
import type { EntryNotes } from "./entry-notes.ts";
import type { SharedImages, SharedRevision } from "./shared-images.ts";
import { threadCpuMs } from "./work-meter.ts";
import type { WorkMeter } from "./work-meter.ts";

/** What metadata/log/replica.ts puts together, with an image that is shared. */
export type SharedReplica = {
  readonly at: SharedRevision;
  readonly image: Image;
  readonly revision: number;
  readonly lastReadMs: number;
  readonly log: MetadataLog;
  readonly replay: Replay;
  submit<Result>(
    name: string,
    command: Command<Result>,
    how?: SubmitHow,
  ): Promise<Submitted<Result, string>>;
  readToHead(): Promise<number>;
  pollEvery(pollMs: number): void;
  close(): void;
};

export type SharedReplicaOptions = {
  readonly log: MetadataLog;
  readonly clock: Clock;
  readonly random: Random;
  readonly images: SharedImages;
  readonly meter: WorkMeter;
  readonly notes: EntryNotes;
  /** What this process computes takes its time: waits as long in the cell's. */
  readonly spend: (cpuMs: number) => Promise<void>;
  readonly onApplied: (changes: readonly MetadataChange[]) => void;
};

const quiet = { info() {}, warn() {}, error() {} };

/** Follows the log from its head as it is now: a start's own reading is measured by itself. */
export function openSharedReplica(options: SharedReplicaOptions): SharedReplica {
  const { log, clock, random, notes } = options;
  const replay = sharedReplay(options);
  const guard = createGuard((reason) => {
    throw reason;
  });
  let lastReadMs = clock.monotonicMs();
  let pollMs = 1_000;
  const { readToHead } = createReading(guard, clock, async () => {
    const askedMs = clock.monotonicMs();
    await replay.catchUp();
    lastReadMs = askedMs;
    return replay.image.revision;
  });
  const following = startFollowing({
    log,
    clock,
    // A log that does not answer is told in the bill.
    output: { ...quiet, warn: () => notes.noteUnanswered() },
    pollMs: () => pollMs,
    readToHead,
  });
  return {
    get at() {
      return replay.at;
    },
    get image() {
      return replay.image;
    },
    get revision() {
      return replay.image.revision;
    },
    get lastReadMs() {
      return lastReadMs;
    },
    log,
    replay,
    readToHead,
    submit(name, command, how) {
      const { log: measuredLog, command: measuredCommand } = measuring(options, name, command);
      const submission = {
        log: measuredLog,
        replay,
        clock,
        random,
        turn: <Done>(attempt: () => Promise<Done>) => guard.run(attempt),
      };
      return submitCommand(submission, measuredCommand, how);
    },
    pollEvery(wishedMs) {
      if (pollMs === wishedMs) return;
      pollMs = wishedMs;
      following.paceChanged();
    },
    close() {
      following.stop();
      void guard.close();
    },
  };
}

type SharedReplay = Replay & { readonly at: SharedRevision };

function sharedReplay({ log, images, spend, onApplied }: SharedReplicaOptions): SharedReplay {
  const follower = images.follow();
  let tailBytes = 0;
  function take(entry: Uint8Array): void {
    const { changes } = follower.take(entry);
    tailBytes += entry.byteLength;
    onApplied(changes);
  }
  return {
    get at() {
      return follower.at;
    },
    get image() {
      return follower.at.image;
    },
    get tailBytes() {
      return tailBytes;
    },
    noteSnapshot(coveredBytes) {
      tailBytes = Math.max(0, tailBytes - coveredBytes);
    },
    apply: (_, entry) => take(entry),
    async catchUp() {
      for (;;) {
        const entries = await log.read(follower.at.image.revision + 1, entriesPerRead);
        if (entries === "trimmed") throw new Error("the log was trimmed past a running broker");
        for (const { entry } of entries) {
          const { decodeMs, applyMs } = follower.peek(entry);
          await spend(decodeMs + applyMs);
          take(entry);
        }
        if (entries.length < entriesPerRead) return;
      }
    },
  };
}

/** metadata/log/replay.ts */
const entriesPerRead = 256;

/** What deciding and encoding takes, told with the entry, and spent before the entry leaves. */
function measuring<Result>(
  { log, meter, notes, spend }: SharedReplicaOptions,
  name: string,
  command: Command<Result>,
): { log: MetadataLog; command: Command<Result> } {
  let decideMs = 0;
  let decidedAtMs = 0;
  return {
    command(image, context) {
      const startedMs = threadCpuMs();
      const decision = command(image, context);
      decidedAtMs = threadCpuMs();
      decideMs = decidedAtMs - startedMs;
      meter.add(`decide ${name}`, decideMs);
      return decision;
    },
    log: {
      ...log,
      async append(revision, entry) {
        // submit.ts has encoded the records since, and nothing else. Of a repeated append this was told before.
        const encodeMs = decidedAtMs === 0 ? 0 : threadCpuMs() - decidedAtMs;
        decidedAtMs = 0;
        meter.add(`encode ${name}`, encodeMs);
        await spend(decideMs + encodeMs);
        const outcome = await log.append(revision, entry);
        notes.appended({ revision, name, bytes: entry.byteLength, decideMs, encodeMs }, outcome);
        return outcome;
      },
    },
  };
}
