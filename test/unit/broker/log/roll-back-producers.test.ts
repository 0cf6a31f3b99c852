import fc from "fast-check";
import { expect, test } from "vitest";
import {
  createProducerState,
  recordAppend,
  type ProducerState,
} from "../../../../broker/log/producer-state.ts";
import { rollBackProducers } from "../../../../broker/log/roll-back-producers.ts";

type Step = { producerId: number; count: number; kind: "next" | "hole" | "epoch" | "transaction" };

type Written = {
  producerId: number;
  producerEpoch: number;
  baseSequence: number;
  lastOffsetDelta: number;
  isTransactional: boolean;
  baseOffset: number;
};

/** What a log holds after the steps: sequences go on where they ended, and pass 2^31. */
function writtenBy(steps: readonly Step[]): Written[] {
  const producers = new Map<number, { epoch: number; next: number; isOpen: boolean }>();
  const log: Written[] = [];
  let baseOffset = 0;
  for (const { producerId, count, kind } of steps) {
    const known = producers.get(producerId) ?? { epoch: 0, next: 0x7fff_fff8, isOpen: false };
    if (kind === "hole") known.next += 3;
    if (kind === "epoch") Object.assign(known, { epoch: known.epoch + 1, next: 0 });
    if (kind === "transaction") known.isOpen = true;
    const baseSequence = known.next % 2 ** 31;
    known.next += count;
    producers.set(producerId, known);
    const { epoch: producerEpoch, isOpen: isTransactional } = known;
    const lastOffsetDelta = count - 1;
    log.push({
      producerId,
      producerEpoch,
      baseSequence,
      lastOffsetDelta,
      isTransactional,
      baseOffset,
    });
    baseOffset += count;
  }
  return log;
}

function stateOf(log: readonly Written[]): ProducerState {
  const budget = { used: 0, limit: 1_000 };
  const state = createProducerState({ expirationMs: 1_000, maxProducers: 100, budget });
  for (const batch of log)
    recordAppend(state, batch, {
      baseOffset: batch.baseOffset,
      timestamp: batch.baseOffset * 10,
      nowMs: 0,
    });
  return state;
}

const steps = fc.array(
  fc.record({
    producerId: fc.integer({ min: 1, max: 3 }),
    count: fc.integer({ min: 1, max: 3 }),
    kind: fc.constantFrom("next", "next", "next", "next", "hole", "epoch", "transaction"),
  }) satisfies fc.Arbitrary<Step>,
  { minLength: 1, maxLength: 40 },
);

test("what is rolled back is what the shorter log says, or is left to be read anew", () => {
  let rolledCount = 0;
  fc.assert(
    fc.property(steps, fc.nat(), (drawn, where) => {
      const log = writtenBy(drawn);
      const kept = log.slice(0, where % (log.length + 1));
      const end = log[kept.length]?.baseOffset ?? Infinity;
      const state = stateOf(log);
      const before = structuredClone(state.producers);
      if (!rollBackProducers(state, end)) {
        expect(state.producers).toEqual(before);
        return;
      }
      rolledCount += 1;
      const expected = stateOf(kept);
      expect(new Set(state.producers.keys())).toEqual(new Set(expected.producers.keys()));
      for (const [producerId, entry] of state.producers) {
        const { batches, provenFirstSequence: proven, ...rest } = entry;
        const truth = expected.producers.get(producerId)!;
        expect(rest).toEqual({
          producerId,
          epoch: truth.epoch,
          lastAppendMs: 0,
          lastTimestamp: truth.lastTimestamp,
          coordinatorEpoch: -1,
          currentTxnFirstOffset: truth.currentTxnFirstOffset,
        });
        expect(batches.length).toBeGreaterThan(0);
        expect(truth.batches.slice(-batches.length)).toEqual(batches);
        // Whatever it claims to be there is there.
        const there = new Set<number>();
        for (const each of kept) {
          if (each.producerId !== producerId || each.producerEpoch !== entry.epoch) continue;
          for (let at = 0; at <= each.lastOffsetDelta; at += 1) there.add(each.baseSequence + at);
        }
        for (let at = proven; proven >= 0 && at < batches[0]!.firstSequence; at += 1)
          expect(there).toContain(at);
      }
      expect([...state.transactions.byFirstOffset]).toEqual([
        ...expected.transactions.byFirstOffset,
      ]);
    }),
    { numRuns: 2_000 },
  );
  expect(rolledCount).toBeGreaterThan(200);
});

const plain = (producerId: number, sequence: number, baseOffset: number): Written => ({
  producerId,
  producerEpoch: 0,
  baseSequence: sequence,
  lastOffsetDelta: 0,
  isTransactional: false,
  baseOffset,
});

test("a tail nobody numbered is no reason to read a log", () => {
  expect(rollBackProducers(stateOf([plain(1, 0, 0), plain(1, 1, 1)]), 2)).toBe(true);
  expect(rollBackProducers(stateOf([]), 0)).toBe(true);
});

test("a producer of whom nothing that is left is remembered has to be read", () => {
  const many = Array.from({ length: 8 }, (_, at) => plain(1, at, at));
  expect(rollBackProducers(stateOf(many), 4)).toBe(true);
  expect(rollBackProducers(stateOf(many), 3)).toBe(false);
  expect(rollBackProducers(stateOf([...many, plain(2, 0, 8)]), 8)).toBe(false);
});

test("where a transaction of a producer has ended the log has to be read", () => {
  const state = stateOf([plain(1, 0, 0), plain(1, 1, 1)]);
  state.producers.get(1)!.coordinatorEpoch = 3;
  expect(rollBackProducers(state, 1)).toBe(false);
});
