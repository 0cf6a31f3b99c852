import type { BatchView, ReplicaView } from "../cell/replica-view.ts";

/**
 * What is committed in a partition, as the replicas' high watermarks have told so far: how far, and which batches. Every replica must agree with it.
 */
export class CommittedLog {
  /** The furthest high watermark there ever was. */
  end = 0;
  /** Batches are known from here to `#knownEnd` without a gap. */
  #knownStart = 0;
  #knownEnd = 0;
  readonly #byBase = new Map<number, BatchView>();

  /** Takes in what `replica` has between its former and its present high watermark; what is wrong with it, or null. */
  advance(replica: ReplicaView, from: number, to: number): string | null {
    this.end = Math.max(this.end, to);
    const batches = replica.batches(Math.max(from, replica.logStartOffset), to);
    if (batches === null) return null;
    for (const batch of batches) {
      const wrong = this.#compare(batch);
      if (wrong !== null) return wrong;
      if (batch.lastOffset < to) this.#add(batch);
    }
    return null;
  }

  /**
   * Up to where a log that ends at `to`, and whose latest batch is of `lastEpoch`, holds what is committed; 0 if that cannot be told. What two logs have of one
   * epoch is of one leader, so they agree up to where the shorter one ends.
   */
  agreedEnd(lastEpoch: number, to: number): number {
    let end = 0;
    for (const batch of this.#byBase.values()) {
      if (batch.leaderEpoch === lastEpoch) end = Math.max(end, batch.lastOffset + 1);
    }
    return Math.min(end, to);
  }

  /** A recovery: nothing at or above `end` counts any more. */
  cutTo(end: number): void {
    this.end = Math.min(this.end, end);
    for (const [base, { lastOffset }] of this.#byBase) {
      if (lastOffset >= end) this.#byBase.delete(base);
    }
    this.#knownEnd = Math.min(this.#knownEnd, end);
    this.#knownStart = Math.min(this.#knownStart, this.#knownEnd);
  }

  /** What is wrong with a batch that is said to be committed, as far as is known; or null. */
  problemOf(batch: BatchView): string | null {
    return this.#compare(batch);
  }

  #compare(batch: BatchView): string | null {
    const known = this.#byBase.get(batch.baseOffset);
    if (known === undefined) {
      const isInside = batch.baseOffset >= this.#knownStart && batch.baseOffset < this.#knownEnd;
      return isInside
        ? `a batch at ${batch.baseOffset}, inside another one that is committed`
        : null;
    }
    const isSame =
      known.lastOffset === batch.lastOffset &&
      known.leaderEpoch === batch.leaderEpoch &&
      known.crc === batch.crc;
    return isSame ? null : `${textOf(batch)} where ${textOf(known)} is committed`;
  }

  #add(batch: BatchView): void {
    if (batch.baseOffset < this.#knownEnd) return;
    if (batch.baseOffset > this.#knownEnd) {
      this.#byBase.clear();
      this.#knownStart = batch.baseOffset;
    }
    this.#byBase.set(batch.baseOffset, batch);
    this.#knownEnd = batch.lastOffset + 1;
  }
}

function textOf({ baseOffset, lastOffset, leaderEpoch, crc }: BatchView): string {
  return `batch ${baseOffset}-${lastOffset} of epoch ${leaderEpoch}, checksum ${crc.toString(16)}`;
}
