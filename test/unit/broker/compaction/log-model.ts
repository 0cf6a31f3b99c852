import { expect } from "vitest";
import {
  createCleaning,
  endCleaning,
  mapBatches,
  rewriteBatches,
} from "../../../../broker/compaction/cleaner.ts";
import type { AbortedRange } from "../../../../broker/compaction/aborted-ranges.ts";
import { liveProducersOf, type LiveProducer } from "../../../../broker/compaction/cleaning-job.ts";
import {
  firstUnstableOffset,
  releaseReplicated,
} from "../../../../broker/log/open-transactions.ts";
import { replayBatch } from "../../../../broker/log/producer-replay.ts";
import { createProducerState, type ProducerState } from "../../../../broker/log/producer-state.ts";
import type { Codec } from "../../../../protocol/compression/codec.ts";
import {
  baseOffsetAt,
  baseSequenceAt,
  isControlAt,
  isTransactionalAt,
  lastOffsetAt,
  leaderEpochAt,
  producerEpochAt,
  producerIdAt,
} from "../../../../protocol/records/batch.ts";
import { decodeBatch } from "../../../../protocol/records/decode.ts";
import { batch, jobWith, marker, record, split } from "./cleaning-fixture.ts";

// A log beside everything that was ever written to it, in the plainest form there is, and consumers that read it while it is cleaned.

export const deleteRetentionMs = 100;

type Written = {
  readonly offset: number;
  readonly key: string | null;
  readonly value: string | null;
  readonly timestamp: number;
  readonly producerId: number;
  outcome: "committed" | "aborted" | "open";
};

/** Reads on from offset 0, committed records only, into what it holds of each key. */
type Reader = { readonly startedMs: number; position: number; readonly view: Map<string, string> };

export type Entry = readonly [key: number | null, value: number | null];
export type Compaction = {
  readonly slots: number;
  readonly minCompactionLagMs: number;
  readonly pieceBatches: number;
  /** Pieces put in place before the run is given up; Infinity: all. */
  readonly placedPieces: number;
};

const newProducers = (): ProducerState =>
  createProducerState({ expirationMs: 1e9, maxProducers: 100, budget: { used: 0, limit: 1_000 } });

export class LogModel {
  batches: Uint8Array[] = [];
  cleanedTo = 0;
  nowMs = 1_000;
  readonly #headers = new Map<number, unknown>();
  readonly #written: Written[] = [];
  readonly #aborted: AbortedRange[] = [];
  readonly #producers = newProducers();
  readonly #forgotten = new Set<number>();
  readonly #sequences = new Map<number, number>();
  /** When a cleaning that stayed in place first went over the offset. */
  readonly #firstCleanedMs = new Map<number, number>();
  readonly #readers: Reader[] = [];
  #nextOffset = 0;

  /** `producerId` -1: none; from 10 on: in a transaction. */
  append(producerId: number, codec: Codec, entries: readonly Entry[]): void {
    const isTransactional = producerId >= 10;
    const records = entries.map(([key, value], index) =>
      record(
        key === null ? null : `key ${key}`,
        value === null ? null : `${value} of ${this.#nextOffset + index}`,
        this.nowMs - index,
      ),
    );
    const baseSequence = this.#sequences.get(producerId) ?? 0;
    if (producerId >= 0) this.#sequences.set(producerId, baseSequence + records.length);
    const producer = { producerId, producerEpoch: 0, baseSequence, isTransactional };
    const options = { codec, leaderEpoch: Math.floor(this.#nextOffset / 20) };
    for (const [index, { key, value, timestamp }] of records.entries()) {
      const outcome = isTransactional ? "open" : "committed";
      const offset = this.#nextOffset + index;
      this.#written.push({ offset, key, value, timestamp: timestamp!, producerId, outcome });
    }
    this.#put(
      batch(this.#nextOffset, records, producerId < 0 ? options : { ...options, ...producer }),
    );
  }

  isInTransaction(producerId: number): boolean {
    return (this.#producers.producers.get(producerId)?.currentTxnFirstOffset ?? -1) >= 0;
  }

  endTransaction(producerId: number, type: "commit" | "abort"): void {
    const firstOffset = this.#producers.producers.get(producerId)!.currentTxnFirstOffset;
    const lastOffset = this.#nextOffset;
    for (const written of this.#written) {
      if (written.producerId !== producerId || written.outcome !== "open") continue;
      written.outcome = type === "commit" ? "committed" : "aborted";
    }
    if (type === "abort") {
      this.#aborted.push({ producerId, firstOffset, lastOffset });
    }
    this.#put(marker(lastOffset, type, { producerId, timestamp: this.nowMs }));
    releaseReplicated(this.#producers.transactions, this.#nextOffset);
  }

  #put(bytes: Uint8Array): void {
    this.batches.push(new Uint8Array(bytes));
    this.#headers.set(baseOffsetAt(bytes, 0), identityOf(bytes));
    this.#forgotten.delete(producerIdAt(bytes, 0));
    replayBatch(this.#producers, bytes, 0, this.nowMs);
    this.#nextOffset = lastOffsetAt(bytes, 0) + 1;
  }

  /** The leader no longer remembers the producer, unless it is in a transaction. */
  forget(producerId: number): void {
    const entry = this.#producers.producers.get(producerId);
    if (entry !== undefined && entry.currentTxnFirstOffset < 0) this.#forgotten.add(producerId);
  }

  get lastStableOffset(): number {
    return firstUnstableOffset(this.#producers.transactions) ?? this.#nextOffset;
  }

  #live(): LiveProducer[] {
    return liveProducersOf(this.#producers.producers.values()).filter(
      ({ producerId }) => !this.#forgotten.has(producerId),
    );
  }

  compact({ slots, minCompactionLagMs, pieceBatches, placedPieces }: Compaction): void {
    const cleaning = createCleaning(
      jobWith({
        firstDirtyOffset: this.cleanedTo,
        endOffset: this.lastStableOffset,
        deleteRetentionMs,
        minCompactionLagMs,
        nowMs: this.nowMs,
        aborted: this.#aborted,
        producers: this.#live(),
        mapMemoryBytes: slots * 24,
        hashSeed: slots,
      }),
    );
    const pieces: Uint8Array[] = [];
    for (let at = 0; at < this.batches.length; at += pieceBatches) {
      pieces.push(Buffer.concat(this.batches.slice(at, at + pieceBatches)));
    }
    let mappedEnd = this.cleanedTo;
    for (const piece of pieces) {
      const mapped = mapBatches(cleaning, piece);
      if (mapped.kind !== "mapped") throw new Error(mapped.message);
      mappedEnd = mapped.mappedEnd;
      if (mapped.stop !== null) break;
    }
    expect(mappedEnd).toBeLessThanOrEqual(this.lastStableOffset);
    const placed = pieces.map((piece, index) => {
      if (index >= placedPieces) return piece;
      const rewritten = rewriteBatches(cleaning, piece);
      if (rewritten.kind !== "rewritten") throw new Error(rewritten.message);
      const end = Math.min(mappedEnd, lastOffsetAt(split(piece).at(-1)!, 0) + 1);
      for (let offset = 0; offset < end; offset++) {
        if (!this.#firstCleanedMs.has(offset)) this.#firstCleanedMs.set(offset, this.nowMs);
      }
      return rewritten.bytes;
    });
    this.batches = placed.flatMap(split);
    if (placedPieces >= pieces.length) this.cleanedTo = endCleaning(cleaning).cleanedTo;
    this.check();
  }

  startReader(): void {
    this.#readers.push({ startedMs: this.nowMs, position: 0, view: new Map() });
  }

  /** Each reader goes on by some batches. One that comes to the end in time knows of each key what there is to know. */
  read(batchCount: number): void {
    for (const reader of this.#readers.splice(0)) {
      if (this.nowMs >= reader.startedMs + deleteRetentionMs) continue;
      let left = batchCount;
      for (const bytes of this.batches) {
        const next = lastOffsetAt(bytes, 0) + 1;
        if (next <= reader.position || next > this.lastStableOffset || left-- <= 0) continue;
        for (const { key, value } of this.#committedOf(bytes)) {
          if (key === null) continue;
          if (value === null) reader.view.delete(key);
          else reader.view.set(key, value);
        }
        reader.position = next;
      }
      if (left <= 0) this.#readers.push(reader);
      else expect(sorted(reader.view)).toEqual(sorted(this.#truth()));
    }
  }

  /** Of each key the last committed value. */
  #truth(): Map<string, string> {
    const truth = new Map<string, string>();
    for (const { key, value } of this.#latest()) if (value !== null) truth.set(key!, value);
    return truth;
  }

  #latest(): Written[] {
    const latest = new Map<string, Written>();
    for (const written of this.#written) {
      if (written.offset >= this.lastStableOffset || written.outcome !== "committed") continue;
      if (written.key !== null) latest.set(written.key, written);
    }
    return [...latest.values()];
  }

  #committedOf(bytes: Uint8Array): { offset: number; key: string | null; value: string | null }[] {
    const own = this.#aborted.filter(({ producerId }) => producerId === producerIdAt(bytes, 0));
    const at = baseOffsetAt(bytes, 0);
    const isAborted = own.some(
      ({ firstOffset, lastOffset }) => firstOffset <= at && at < lastOffset,
    );
    return isControlAt(bytes, 0) || (isTransactionalAt(bytes, 0) && isAborted) ? [] : dataOf(bytes);
  }

  check(): void {
    const records = this.batches.filter((bytes) => !isControlAt(bytes, 0)).flatMap(dataOf);
    const offsets = new Set(records.map(({ offset }) => offset));
    let last = -1;
    for (const bytes of this.batches) {
      expect(baseOffsetAt(bytes, 0)).toBeGreaterThan(last);
      last = lastOffsetAt(bytes, 0);
      expect(identityOf(bytes)).toEqual(this.#headers.get(baseOffsetAt(bytes, 0)));
    }
    const byOffset = new Map(this.#written.map((each) => [each.offset, each]));
    const seen = new Set<string>();
    for (const { offset, key, value, timestamp } of records) {
      const written = byOffset.get(offset)!;
      expect({ key, value, timestamp }).toEqual({
        key: written.key,
        value: written.value,
        timestamp: written.timestamp,
      });
      if (offset >= this.cleanedTo) continue;
      expect([written.outcome, key === null, seen.has(key!)]).toEqual(["committed", false, false]);
      seen.add(key!);
    }
    for (const { offset, value } of this.#latest()) {
      if (offsets.has(offset)) continue;
      const cleanedMs = this.#firstCleanedMs.get(offset) ?? Infinity;
      expect([offset, value, cleanedMs + deleteRetentionMs <= this.nowMs]).toEqual([
        offset,
        null,
        true,
      ]);
    }
    for (const { offset, outcome } of this.#written) {
      if (outcome === "open") expect(offsets).toContain(offset);
    }
    this.#checkProducers();
  }

  /** Whoever replays the log knows the producers that the leader knows, and of no transaction that it does not. */
  #checkProducers(): void {
    const replayed = newProducers();
    for (const bytes of this.batches) {
      expect(replayBatch(replayed, bytes, 0, this.nowMs).kind).toBe("replayed");
    }
    for (const [producerId, { currentTxnFirstOffset }] of replayed.producers) {
      const known = this.#producers.producers.get(producerId)!;
      expect(currentTxnFirstOffset).toBe(known.currentTxnFirstOffset);
    }
    for (const [producerId, entry] of this.#producers.producers) {
      if (this.#forgotten.has(producerId)) continue;
      const again = replayed.producers.get(producerId);
      expect(again?.epoch).toBe(entry.epoch);
      expect(again?.batches.at(-1)).toMatchObject({
        lastSequence: entry.batches.at(-1)!.lastSequence,
        lastOffset: entry.batches.at(-1)!.lastOffset,
      });
    }
  }

  /** With nothing more written and enough time, the log comes down to one record for each key that has a value. */
  comeToRest(): void {
    for (const producerId of this.#sequences.keys()) {
      if (this.isInTransaction(producerId)) this.endTransaction(producerId, "commit");
      this.forget(producerId);
    }
    this.append(-1, "none", [[99, 1]]);
    for (let round = 0; round < 6; round++) {
      this.compact({
        slots: 1_000,
        minCompactionLagMs: 0,
        pieceBatches: 3,
        placedPieces: Infinity,
      });
      this.nowMs += deleteRetentionMs;
    }
    const records = this.batches.flatMap(dataOf);
    const latest = this.#latest().filter(({ value }) => value !== null);
    expect(records.map(({ offset }) => offset)).toEqual(
      latest.map(({ offset }) => offset).sort((a, b) => a - b),
    );
    for (const bytes of this.batches.filter((each) => isControlAt(each, 0))) {
      const transactions = this.batches.filter(
        (each) => producerIdAt(each, 0) === producerIdAt(bytes, 0) && !isControlAt(each, 0),
      );
      expect(transactions.length).toBeGreaterThan(0);
    }
  }
}

const identityOf = (bytes: Uint8Array): unknown => ({
  lastOffset: lastOffsetAt(bytes, 0),
  producerId: producerIdAt(bytes, 0),
  producerEpoch: producerEpochAt(bytes, 0),
  baseSequence: baseSequenceAt(bytes, 0),
  leaderEpoch: leaderEpochAt(bytes, 0),
  isTransactional: isTransactionalAt(bytes, 0),
  isControl: isControlAt(bytes, 0),
});

type Data = { offset: number; key: string | null; value: string | null; timestamp: number };

const dataOf = (bytes: Uint8Array): Data[] => {
  if (isControlAt(bytes, 0)) return [];
  const decoded = decodeBatch(bytes, 0, 1_000_000);
  if (decoded.kind !== "decoded") throw new Error(decoded.message);
  return decoded.records.map(({ offset, key, value, timestamp }) => ({
    offset,
    key: key === null ? null : Buffer.from(key).toString(),
    value: value === null ? null : Buffer.from(value).toString(),
    timestamp,
  }));
};

const sorted = (view: ReadonlyMap<string, string>): [string, string][] =>
  [...view].sort(([a], [b]) => (a < b ? -1 : 1));
