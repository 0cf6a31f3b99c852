import fc from "fast-check";
import { expect, test } from "vitest";
import { replayBatch } from "../../../../broker/log/producer-replay.ts";
import {
  decodeProducerState,
  encodeProducerState,
} from "../../../../broker/log/producer-snapshot.ts";
import {
  checkAppend,
  createProducerState,
  recordAppend,
  type ProducerState,
} from "../../../../broker/log/producer-state.ts";
import { stampBaseOffset } from "../../../../protocol/records/batch.ts";
import { buildTransactionMarker } from "../../../../protocol/records/control.ts";
import { crc32c } from "../../../../protocol/records/crc32c.ts";

const limits = () => ({ expirationMs: 1000, maxProducers: 10, budget: { used: 0, limit: 100 } });

type Write = { producerId: number; count: number; isTransactional: boolean; ends: boolean };

const write = fc.record({
  producerId: fc.nat(5),
  count: fc.integer({ min: 1, max: 5 }),
  isTransactional: fc.boolean(),
  ends: fc.boolean(),
});

const stateOf = (writes: readonly Write[]): ProducerState => {
  const state = createProducerState(limits());
  const nextSequence = new Map<number, number>();
  let end = 0;
  for (const { producerId, count, isTransactional, ends } of writes) {
    const baseSequence = nextSequence.get(producerId) ?? 0;
    const wanted = {
      producerId,
      producerEpoch: 2,
      baseSequence,
      lastOffsetDelta: count - 1,
      isTransactional,
    };
    if (checkAppend(state, wanted).kind !== "append") continue;
    recordAppend(state, wanted, { baseOffset: end, timestamp: end * 10, nowMs: end });
    nextSequence.set(producerId, baseSequence + count);
    end += count;
    if (!ends || !isTransactional) continue;
    const marker = buildTransactionMarker({
      type: "commit",
      producerId,
      producerEpoch: 2,
      coordinatorEpoch: 3,
      timestamp: end,
    });
    stampBaseOffset(marker, 0, end);
    replayBatch(state, marker, 0, end);
    end += 1;
  }
  return state;
};

const restored = (bytes: Uint8Array): ProducerState => {
  const result = decodeProducerState(bytes, limits());
  if (result.kind !== "restored") throw new Error(result.message);
  return result.state;
};

test("a state comes back from its bytes, with order and budget", () => {
  fc.assert(
    fc.property(fc.array(write, { maxLength: 40 }), (writes) => {
      const state = stateOf(writes);
      const copy = restored(encodeProducerState(state));
      expect(copy).toEqual(state);
      expect([...copy.producers.keys()]).toEqual([...state.producers.keys()]);
      expect([...copy.transactions.byFirstOffset.keys()]).toEqual([
        ...state.transactions.byFirstOffset.keys(),
      ]);
    }),
    { numRuns: 100 },
  );
});

test("any cut or changed byte is told, not read", () => {
  const bytes = encodeProducerState(
    stateOf([
      { producerId: 1, count: 2, isTransactional: true, ends: true },
      { producerId: 2, count: 1, isTransactional: true, ends: false },
    ]),
  );
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
      const mutated = Buffer.from(bytes);
      mutated[at]! ^= change;
      expect(decodeProducerState(mutated, limits()).kind).toBe("corruptState");
      expect(decodeProducerState(bytes.subarray(0, at), limits()).kind).toBe("corruptState");
    }),
  );
});

test("bytes with a right CRC and wrong contents give a failure or a sound state, and no throw", () => {
  const bytes = encodeProducerState(
    stateOf([
      { producerId: 1, count: 2, isTransactional: true, ends: true },
      { producerId: 2, count: 1, isTransactional: true, ends: false },
    ]),
  );
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: 6, max: bytes.length - 1 }), fc.nat(255)), {
        minLength: 1,
        maxLength: 4,
      }),
      (changes) => {
        const forged = Buffer.from(bytes);
        for (const [at, value] of changes) forged[at] = value;
        forged.writeUInt32BE(crc32c(forged, 6), 2);
        const budget = { used: 0, limit: 100 };
        const result = decodeProducerState(forged, { ...limits(), budget });
        expect(budget.used).toBe(result.kind === "restored" ? result.state.producers.size : 0);
      },
    ),
    { numRuns: 500 },
  );
});

test("another version is told", () => {
  const bytes = Buffer.from(encodeProducerState(createProducerState(limits())));
  bytes.writeInt16BE(2, 0);
  expect(decodeProducerState(bytes, limits())).toMatchObject({
    kind: "corruptState",
    message: expect.stringContaining("version 2"),
  });
});
