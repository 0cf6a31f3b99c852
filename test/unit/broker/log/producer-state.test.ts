import fc from "fast-check";
import { expect, test } from "vitest";
import { firstUnstableOffset } from "../../../../broker/log/open-transactions.ts";
import {
  checkAppend,
  createProducerState,
  expireProducers,
  recordAppend,
  releaseProducers,
  type ProducerState,
  type SequencedBatch,
} from "../../../../broker/log/producer-state.ts";

const limits = (over: { maxProducers?: number; budget?: number; expirationMs?: number } = {}) => ({
  expirationMs: over.expirationMs ?? 86_400_000,
  maxProducers: over.maxProducers ?? 100,
  budget: { used: 0, limit: over.budget ?? 1000 },
});

const batch = (
  baseSequence: number,
  count = 1,
  over: Partial<SequencedBatch> = {},
): SequencedBatch => ({
  producerId: 7,
  producerEpoch: 0,
  baseSequence,
  lastOffsetDelta: count - 1,
  isTransactional: false,
  ...over,
});

const newState = (): ProducerState => createProducerState(limits());

/** Appends as a partition does; gives the verdict. */
const append = (state: ProducerState, wanted: SequencedBatch, baseOffset: number, nowMs = 1000) => {
  const verdict = checkAppend(state, wanted);
  if (verdict.kind === "append") recordAppend(state, wanted, { baseOffset, timestamp: 5, nowMs });
  return verdict;
};

const outOfOrder = { kind: "rejected", error: "OUT_OF_ORDER_SEQUENCE_NUMBER" };

test("sequences in a row are appended, a gap is refused", () => {
  const state = newState();
  expect(append(state, batch(0, 3), 10).kind).toBe("append");
  expect(append(state, batch(3, 2), 13).kind).toBe("append");
  expect(checkAppend(state, batch(6))).toMatchObject(outOfOrder);
  expect(checkAppend(state, batch(5)).kind).toBe("append");
});

test("a retry gets the offset and timestamp of the first time, for the last five batches", () => {
  const state = newState();
  for (let index = 0; index < 6; index += 1) append(state, batch(index * 2, 2), 100 + index * 2);
  expect(checkAppend(state, batch(10, 2))).toEqual({
    kind: "duplicate",
    batch: { firstSequence: 10, lastSequence: 11, firstOffset: 110, lastOffset: 111, timestamp: 5 },
  });
  expect(checkAppend(state, batch(2, 2)).kind).toBe("duplicate");
});

test("a retry older than the five is told that it was appended, if that is certain", () => {
  const state = newState();
  for (let index = 0; index < 8; index += 1) append(state, batch(index * 2, 2), index * 2);
  const forgotten = { kind: "rejected", error: "DUPLICATE_SEQUENCE_NUMBER" };
  expect(checkAppend(state, batch(0, 2))).toMatchObject(forgotten);
  expect(checkAppend(state, batch(2, 4))).toMatchObject(forgotten);
  // Half of it is remembered: no batch was ever cut so.
  expect(checkAppend(state, batch(4, 4))).toMatchObject(outOfOrder);
});

test("what was before this partition knew the producer is never claimed to be appended", () => {
  const state = newState();
  for (let index = 0; index < 8; index += 1) append(state, batch(50 + index), index);
  expect(checkAppend(state, batch(49))).toMatchObject(outOfOrder);
  expect(checkAppend(state, batch(50))).toMatchObject({ error: "DUPLICATE_SEQUENCE_NUMBER" });
});

test("a batch that shares only its first or last sequence with one known is no duplicate", () => {
  const state = newState();
  append(state, batch(0, 5), 0);
  expect(checkAppend(state, batch(0, 4))).toMatchObject(outOfOrder);
  expect(checkAppend(state, batch(1, 4))).toMatchObject(outOfOrder);
});

test("sequences wrap from 2^31-1 to 0, within a batch and between two", () => {
  const state = newState();
  append(state, batch(0x7fff_fffe, 2), 0);
  expect(append(state, batch(0, 2), 2).kind).toBe("append");
  const other = newState();
  append(other, batch(0x7fff_fffe, 4), 0);
  expect(checkAppend(other, batch(2)).kind).toBe("append");
  expect(checkAppend(other, batch(0x7fff_fffe, 4)).kind).toBe("duplicate");
});

test("after a wrap no old batch is claimed to be appended", () => {
  const state = newState();
  append(state, batch(0x7fff_ffff), 0);
  for (let index = 0; index < 8; index += 1) append(state, batch(index), index + 1);
  expect(checkAppend(state, batch(1))).toMatchObject(outOfOrder);
});

test("after a wrap and a hole no batch is claimed to be appended", () => {
  const state = newState();
  append(state, batch(0x7fff_fffe), 0);
  append(state, batch(0x7fff_ffff), 1);
  // A follower takes what its leader has, whose state had expired in between.
  recordAppend(state, batch(5), { baseOffset: 2, timestamp: 5, nowMs: 1000 });
  expect(checkAppend(state, batch(9))).toMatchObject(outOfOrder);
});

test("an unknown producer begins with any sequence, unless it must begin with 0", () => {
  const state = newState();
  expect(checkAppend(state, batch(41)).kind).toBe("append");
  expect(checkAppend(state, batch(41), { mustStartAtZero: true })).toMatchObject(outOfOrder);
  expect(checkAppend(state, batch(0), { mustStartAtZero: true }).kind).toBe("append");
});

test("an older epoch is fenced; a newer one begins with 0 and forgets the old batches", () => {
  const state = newState();
  append(state, batch(0, 1, { producerEpoch: 5 }), 0);
  expect(checkAppend(state, batch(1, 1, { producerEpoch: 4 }))).toMatchObject({
    error: "INVALID_PRODUCER_EPOCH",
  });
  expect(checkAppend(state, batch(1, 1, { producerEpoch: 6 }))).toMatchObject(outOfOrder);
  expect(append(state, batch(0, 1, { producerEpoch: 6 }), 1).kind).toBe("append");
  expect(checkAppend(state, batch(0, 1, { producerEpoch: 5 }))).toMatchObject({
    error: "INVALID_PRODUCER_EPOCH",
  });
  expect(checkAppend(state, batch(0, 1, { producerEpoch: 6 })).kind).toBe("duplicate");
});

test("batches without a producer id are none of its business", () => {
  const state = newState();
  const plain = batch(-1, 1, { producerId: -1, producerEpoch: -1 });
  expect(append(state, plain, 0).kind).toBe("append");
  expect(state.producers.size).toBe(0);
});

test("a transaction opens with its first batch, and lets no other batch of its producer in", () => {
  const state = newState();
  append(state, batch(0, 2, { isTransactional: true }), 20);
  append(state, batch(2, 1, { isTransactional: true }), 22);
  expect(firstUnstableOffset(state.transactions)).toBe(20);
  expect(checkAppend(state, batch(3))).toMatchObject({ error: "INVALID_TXN_STATE" });
});

test("a producer that has not written for the expiration time is forgotten, one in a transaction is not", () => {
  const state = createProducerState(limits({ expirationMs: 100 }));
  append(state, batch(0, 1, { producerId: 1, isTransactional: true }), 0, 0);
  append(state, batch(0, 1, { producerId: 2 }), 1, 0);
  append(state, batch(0, 1, { producerId: 3 }), 2, 50);
  expireProducers(state, 99);
  expect([...state.producers.keys()]).toEqual([1, 2, 3]);
  expireProducers(state, 100);
  expect([...state.producers.keys()]).toEqual([1, 3]);
  expect(state.limits.budget.used).toBe(2);
});

test("past the limit the producer that has not written for longest makes room", () => {
  const state = createProducerState(limits({ maxProducers: 3 }));
  for (const producerId of [1, 2, 3]) append(state, batch(0, 1, { producerId }), producerId);
  append(state, batch(1, 1, { producerId: 1 }), 10);
  append(state, batch(0, 1, { producerId: 4 }), 11);
  expect([...state.producers.keys()]).toEqual([3, 1, 4]);
  // The one forgotten goes on where it was.
  expect(append(state, batch(1, 1, { producerId: 2 }), 12).kind).toBe("append");
});

test("with a transaction open in every producer remembered, a new one is told to try again", () => {
  const state = createProducerState(limits({ maxProducers: 2 }));
  append(state, batch(0, 1, { producerId: 1, isTransactional: true }), 0);
  append(state, batch(0, 1, { producerId: 2, isTransactional: true }), 1);
  expect(checkAppend(state, batch(0, 1, { producerId: 3 }))).toMatchObject({
    error: "KAFKA_STORAGE_ERROR",
  });
  expect(checkAppend(state, batch(1, 1, { producerId: 2, isTransactional: true })).kind).toBe(
    "append",
  );
});

test("partitions share a budget, of which each keeps a few whatever the others do", () => {
  const shared = limits({ budget: 50 });
  const [busy, quiet] = [createProducerState(shared), createProducerState(shared)];
  for (let producerId = 0; producerId < 80; producerId += 1)
    append(busy, batch(0, 1, { producerId }), producerId);
  expect(busy.producers.size).toBe(50);
  for (let producerId = 0; producerId < 80; producerId += 1)
    append(quiet, batch(0, 1, { producerId }), producerId);
  expect(quiet.producers.size).toBe(16);
  releaseProducers(busy);
  releaseProducers(quiet);
  expect(shared.budget.used).toBe(0);
});

test("whatever is lost, repeated or reordered on the way, each batch is appended once and in order", () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 12 });
  const sends = fc.array(fc.nat(11), { maxLength: 80 });
  fc.assert(
    fc.property(sizes, sends, fc.constantFrom(0, 0x7fff_fffa), (counts, order, start) => {
      const state = newState();
      let sequence = start;
      const batches = counts.map((count) => {
        const made = batch(sequence, count);
        sequence = (sequence + count) % 2 ** 31;
        return made;
      });
      const offsets: number[] = [];
      let end = 0;
      // The first is known to have come first: an unknown producer may begin anywhere.
      for (const index of [0, ...order]) {
        const wanted = batches[index % batches.length]!;
        const verdict = append(state, wanted, end);
        if (verdict.kind === "append") {
          expect(index % batches.length).toBe(offsets.length);
          offsets.push(end);
          end += wanted.lastOffsetDelta + 1;
        } else if (verdict.kind === "duplicate") {
          expect(verdict.batch.firstOffset).toBe(offsets[index % batches.length]);
        } else if (verdict.error === "DUPLICATE_SEQUENCE_NUMBER") {
          expect(index % batches.length).toBeLessThan(offsets.length);
        } else {
          expect(verdict.error).toBe("OUT_OF_ORDER_SEQUENCE_NUMBER");
        }
      }
    }),
    { numRuns: 300 },
  );
});
