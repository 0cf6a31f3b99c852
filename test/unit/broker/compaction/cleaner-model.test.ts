import fc from "fast-check";
import { test } from "vitest";
import { codecNames, type Codec } from "../../../../protocol/compression/codec.ts";
import { LogModel, type Compaction, type Entry } from "./log-model.ts";

type Step =
  | { do: "append"; producerId: number; codec: Codec; entries: Entry[] }
  | { do: "end"; producerId: number; type: "commit" | "abort" }
  | { do: "forget"; producerId: number }
  | { do: "pass"; passedMs: number }
  | { do: "startReader" }
  | { do: "read"; batchCount: number }
  | ({ do: "compact" } & Compaction);

const key = fc.oneof(
  { weight: 9, arbitrary: fc.nat(13) },
  { weight: 1, arbitrary: fc.constant(null) },
);
const value = fc.oneof(
  { weight: 2, arbitrary: fc.nat(9) },
  { weight: 1, arbitrary: fc.constant(null) },
);

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant("append" as const),
      producerId: fc.constantFrom(-1, 1, 2, 10, 11, 12),
      codec: fc.constantFrom(...codecNames),
      entries: fc.array(fc.tuple(key, value), { minLength: 1, maxLength: 5 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("end" as const),
      producerId: fc.constantFrom(10, 11, 12),
      type: fc.constantFrom("commit" as const, "abort" as const),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("compact" as const),
      slots: fc.constantFrom(8, 12, 1_000),
      minCompactionLagMs: fc.constantFrom(0, 0, 30),
      pieceBatches: fc.integer({ min: 1, max: 6 }),
      placedPieces: fc.constantFrom(Infinity, Infinity, 0, 1, 3),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("pass" as const),
      passedMs: fc.integer({ min: 1, max: 60 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("startReader" as const) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("read" as const),
      batchCount: fc.constantFrom(1, 2, 4, Infinity),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("forget" as const),
      producerId: fc.constantFrom(1, 2, 10, 11),
    }),
  },
);

function play(log: LogModel, each: Step): void {
  switch (each.do) {
    case "append":
      return log.append(each.producerId, each.codec, each.entries);
    case "end":
      if (log.isInTransaction(each.producerId)) log.endTransaction(each.producerId, each.type);
      return;
    case "forget":
      return log.forget(each.producerId);
    case "pass":
      log.nowMs += each.passedMs;
      return;
    case "startReader":
      return log.startReader();
    case "read":
      return log.read(each.batchCount);
    case "compact":
      return log.compact(each);
  }
}

test("whatever is written, cleaned, given up and read, the latest of each key is there and nobody is misled", () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 20, maxLength: 120, size: "max" }), (steps) => {
      const log = new LogModel();
      for (const each of steps) play(log, each);
      log.read(Infinity);
      log.comeToRest();
    }),
    { numRuns: 50 },
  );
});
