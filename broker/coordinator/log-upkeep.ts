import assert from "node:assert/strict";
import type { LogOutput } from "../log-output.ts";
import { sizeBytes } from "./coordinator-log.ts";
import type { CoordinatorLog, KeyValue } from "./coordinator-log.ts";
import { beginRewrite, isRewriteDue, nextPiece } from "./rewrite.ts";
import type { Rewrite } from "./rewrite.ts";
import type { ShardLimits } from "./shard-limits.ts";
import type { StateMachine } from "./state-machine.ts";

export type LogUpkeepOptions = {
  readonly name: string;
  readonly log: CoordinatorLog;
  readonly limits: ShardLimits;
  readonly output: LogOutput;
};

/** At most, between two tries to move the log start. */
const commitsPassedOver = 1_023;

/** How much a coordinator's log holds, and when its live state is written again so that the log start can move (rewrite.ts). Of one instance of the machine. */
export class LogUpkeep<Entry> {
  readonly #machine: StateMachine<Entry>;
  readonly #options: LogUpkeepOptions;
  #rewrite: Rewrite<Entry> | null = null;
  /** Where the log start shall be; kept until the log has taken it. */
  #wantedLogStart: number | null = null;
  #isMovingLogStart = false;
  /** Commits after which it is tried again, and how many there have been. */
  #passOver = 0;
  #passedOver = 0;
  #hasEnded = false;
  #nextOffset = 0;
  #logBytes = 0;
  /** Unknown until a rewrite has counted it: a shard that starts on a long log rewrites it once. */
  #liveBytes = 0;

  constructor(machine: StateMachine<Entry>, options: LogUpkeepOptions) {
    this.#machine = machine;
    this.#options = options;
  }

  /** Bytes of keys and values between log start and log end, as far as is known here. */
  get logBytes(): number {
    return this.#logBytes;
  }

  loaded(piece: { readonly records: readonly KeyValue[]; readonly nextOffset: number }): void {
    this.#logBytes += bytesOf(piece.records);
    this.#nextOffset = piece.nextOffset;
  }

  /** What of the live state the next append is to carry. */
  nextPiece(): KeyValue[] {
    const { rewrite: limits } = this.#options.limits;
    const isIdle = this.#rewrite === null && this.#wantedLogStart === null;
    if (isIdle && isRewriteDue(this.#logBytes, this.#liveBytes, limits))
      this.#rewrite = beginRewrite(this.#machine, this.#nextOffset);
    if (this.#rewrite === null || this.#rewrite.isDone) return [];
    return nextPiece(this.#rewrite, this.#machine, limits);
  }

  committed(nextOffset: number, records: readonly KeyValue[]): void {
    assert(nextOffset >= this.#nextOffset + records.length, "the log end only grows");
    const bytes = bytesOf(records);
    this.#nextOffset = nextOffset;
    this.#logBytes += bytes;
    if (this.#rewrite !== null) this.#rewrite.appendedBytes += bytes;
  }

  /** All that was decided before is committed: only then nobody needs the old copy. */
  settled(): void {
    if (this.#rewrite?.isDone === true) {
      const { startOffset, liveBytes, appendedBytes } = this.#rewrite;
      this.#rewrite = null;
      this.#liveBytes = liveBytes;
      this.#logBytes = appendedBytes;
      this.#wantedLogStart = startOffset;
    }
    void this.#moveLogStart();
  }

  /** What is under way has no effect any more. */
  end(): void {
    this.#hasEnded = true;
  }

  /** Not in anybody's way; if it fails, a later commit tries again. */
  async #moveLogStart(): Promise<void> {
    if (this.#wantedLogStart === null || this.#isMovingLogStart || this.#hasEnded) return;
    if (this.#passedOver++ < this.#passOver) return;
    const offset = this.#wantedLogStart;
    this.#passedOver = 0;
    this.#isMovingLogStart = true;
    try {
      // False where the object store does not take it now: that is asked less and less often, for there may be a thousand commits a second.
      const hasMoved = await this.#options.log.moveLogStart(offset);
      this.#passOver = hasMoved ? 0 : Math.min(commitsPassedOver, this.#passOver * 2 + 1);
      if (hasMoved) this.#wantedLogStart = null;
    } catch (cause) {
      this.#options.output.warn("A coordinator's log start could not be moved; trying again", {
        coordinator: this.#options.name,
        offset,
        error: cause,
      });
    } finally {
      this.#isMovingLogStart = false;
    }
  }
}

const bytesOf = (records: readonly KeyValue[]): number =>
  records.reduce((sum, record) => sum + sizeBytes(record), 0);
