import type { Clock } from "../../ports/clock.ts";
import type { MetadataLog } from "../../ports/metadata-log.ts";
import { MetadataLogError, maxMetadataEntryBytes } from "../../ports/metadata-log.ts";
import type { Random } from "../../ports/random.ts";
import type { Command, CommandContext, Decision, Rejection } from "../commands/command.ts";
import { encodeEntry, entryHeader } from "../records/entry.ts";
import { maxMetadataLevel } from "../records/table.ts";
import { unavailable } from "./unavailable.ts";
import type { Replay } from "./replay.ts";
import { randomUuid } from "./uuid.ts";

export type Submitted<Result, Code extends string> =
  | { readonly kind: "accepted"; readonly result: Result; readonly revision: number }
  | Rejection<Code>;

export type SubmitOptions = {
  log: MetadataLog;
  replay: Replay;
  clock: Clock;
  random: Random;
  /** Each attempt is one turn at the image: whoever leaves another writer the time to go on holds up nobody else meanwhile. */
  turn: <Result>(attempt: () => Promise<Result>) => Promise<Result>;
};

/** `isController`: after a conflict it is tried again at once, all others leave the controller the time to (replication.md C0). */
export type SubmitHow = { readonly isController?: boolean };

/** Times another writer may be faster before the caller hears that the cell is too busy. */
const maxConflicts = 50;
/** Entries of one change in parts. */
const maxParts = 1_000;
/** Appends and reads tried while the log does not answer. */
const maxTries = 4;
/** No more of them are begun after so long: a log that is far away tries for seconds itself, and everybody else waits for this turn. */
const maxTryingMs = 8_000;

/**
 * Replay to the head, decide on exactly that state, append behind it; when another writer was faster, replay and decide again (architecture
 * 3.2). Throws MetadataLogError: "unavailable" leaves open whether the change was made, "tooLarge" made nothing.
 */
export async function submitCommand<Result, Code extends string>(
  options: SubmitOptions,
  command: Command<Result, Code>,
  { isController = false }: SubmitHow = {},
): Promise<Submitted<Result, Code>> {
  const { random, clock, turn } = options;
  // One for all attempts: whichever of them the log took is ours.
  const nonce = Buffer.from(random.bytes(16)).toString("hex");
  let conflictCount = 0;
  let isAtHead = false;
  for (let parts = 0; parts < maxParts;) {
    const attempted = await turn(() => attempt(options, command, { nonce, isAtHead }));
    // Behind a part just appended there is nothing to read, or the next append finds it.
    isAtHead = attempted === "appendedPart";
    if (attempted === "appendedPart") parts += 1;
    else if (attempted !== "lost") return attempted;
    else {
      conflictCount += 1;
      if (conflictCount > maxConflicts) {
        throw unavailable(`other writers were faster ${maxConflicts} times`);
      }
      if (!isController) await pause(clock, 50 + random.float() * 150);
    }
  }
  throw unavailable(`a change needs more than ${maxParts} entries`);
}

async function attempt<Result, Code extends string>(
  options: SubmitOptions,
  command: Command<Result, Code>,
  { nonce, isAtHead }: { readonly nonce: string; readonly isAtHead: boolean },
): Promise<Submitted<Result, Code> | "appendedPart" | "lost"> {
  const { replay } = options;
  if (!isAtHead) await replay.catchUp();
  const decision: Decision<Result, Code> = command(replay.image, contextOf(options));
  if (decision.kind === "rejected") return decision;
  if (decision.records.length > 0) {
    const entry = entryOf(options, nonce, decision.records);
    if ((await append(options, entry)) === "lost") return "lost";
  }
  if (decision.isIncomplete === true) return "appendedPart";
  return { kind: "accepted", result: decision.result, revision: replay.image.revision };
}

function contextOf({ replay, clock, random }: SubmitOptions): CommandContext {
  return {
    nowMs: clock.nowMs(),
    revision: replay.image.revision + 1,
    uuid: () => randomUuid(random),
  };
}

function entryOf(
  { replay }: SubmitOptions,
  nonce: string,
  records: Parameters<typeof encodeEntry>[0]["records"],
): Uint8Array {
  const { level, entryHash } = replay.image;
  const entry = encodeEntry({
    level: level === 0 ? maxMetadataLevel : level,
    nonce,
    previousHash: entryHash,
    records,
  });
  if (entry.byteLength <= maxMetadataEntryBytes) return entry;
  throw new MetadataLogError(
    "tooLarge",
    `the change takes ${entry.byteLength} bytes; an entry of the metadata log has at most ${maxMetadataEntryBytes}`,
  );
}

/**
 * Appends and finds out what became of it. While nothing is known and the revision is free, the same bytes are appended again: whatever else may
 * still be under way, only one entry can ever have this revision.
 */
async function append(options: SubmitOptions, entry: Uint8Array): Promise<"mine" | "lost"> {
  const { log, replay, clock } = options;
  const revision = replay.image.revision + 1;
  const deadlineMs = clock.monotonicMs() + maxTryingMs;
  let failure: unknown;
  for (let tries = 0; tries < maxTries && clock.monotonicMs() < deadlineMs; tries++) {
    if (tries > 0) await pause(clock, 25 * 2 ** tries);
    const outcome = await tryAppend(log, revision, entry).catch((error: unknown) => {
      failure = onlyUnavailable(error);
      return null;
    });
    if (outcome === "accepted") {
      replay.apply(revision, entry);
      return "mine";
    }
    const stored = await readOne(log, revision).catch((error: unknown) => {
      failure = onlyUnavailable(error);
      return undefined;
    });
    if (stored === undefined) continue;
    if (stored === "trimmed") throw unavailable("the log was trimmed past a change under way");
    if (stored !== null && isSameWriter(stored, entry)) {
      replay.apply(revision, stored);
      return "mine";
    }
    // Taken by another writer, or our predecessor is gone: think again from the head.
    if (stored !== null || outcome === "conflict") return "lost";
  }
  throw unavailable("the metadata log does not answer", failure);
}

function tryAppend(log: MetadataLog, revision: number, entry: Uint8Array) {
  return revision === 1 ? log.genesis(revision, entry) : log.append(revision, entry);
}

async function readOne(log: MetadataLog, revision: number): Promise<Uint8Array | "trimmed" | null> {
  const entries = await log.read(revision, 1);
  return entries === "trimmed" ? entries : (entries[0]?.entry ?? null);
}

/** An SDK retries puts that had succeeded, and a timed-out one may have arrived: then the entry there carries our nonce. */
function isSameWriter(stored: Uint8Array, entry: Uint8Array): boolean {
  return entryHeader(stored).nonce === entryHeader(entry).nonce;
}

function onlyUnavailable(error: unknown): unknown {
  if (error instanceof MetadataLogError && error.code === "unavailable") return error;
  throw error;
}

function pause(clock: Clock, delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    clock.after(delayMs, resolve);
  });
}
