import { expect, test } from "vitest";
import { createProducerState } from "../../../../broker/log/producer-state.ts";
import type { RefusedProducers } from "../../../../broker/replication/refused-producers.ts";
import { noteRefused, refusedBefore } from "../../../../broker/replication/refused-producers.ts";
import { batchOf } from "../../../support/records.ts";

const producers = createProducerState({
  expirationMs: 1,
  maxProducers: 10,
  budget: { used: 0, limit: 10 },
});
const note = (refused: RefusedProducers, producerId: number, baseSequence: number, nowMs = 0) =>
  noteRefused(refused, batchOf(["x"], { producerId, producerEpoch: 0, baseSequence }), {
    producers,
    nowMs,
  });
const first = (refused: RefusedProducers, producerId: number, baseSequence: number, nowMs = 0) =>
  refusedBefore(refused, { producerId, producerEpoch: 0, baseSequence }, nowMs);

test("the first batch that was refused comes first, whatever else was refused after it", () => {
  const refused: RefusedProducers = new Map();
  note(refused, 5, 0);
  note(refused, 5, 7);
  expect(first(refused, 5, 7)).toBe(0);
  expect(first(refused, 5, 0)).toBeNull();
  expect(first(refused, 6, 7)).toBeNull();
});

test("for half a minute: whoever has not sent it again by then has given it up", () => {
  const refused: RefusedProducers = new Map();
  note(refused, 5, 0, 1_000);
  expect(first(refused, 5, 7, 30_999)).toBe(0);
  expect(first(refused, 5, 7, 31_000)).toBeNull();
  note(refused, 5, 7, 31_000);
  expect(first(refused, 5, 9, 31_000)).toBe(7);
});

test("of a thousand producers at most, the latest", () => {
  const refused: RefusedProducers = new Map();
  for (let producerId = 0; producerId < 1_500; producerId += 1) note(refused, producerId, 0);
  expect(refused.size).toBe(1_000);
  expect(first(refused, 499, 1)).toBeNull();
  expect(first(refused, 500, 1)).toBe(0);
});

test("nothing of bytes that are no batch, nor of one without a producer", () => {
  const refused: RefusedProducers = new Map();
  for (const records of [null, new Uint8Array(0), new Uint8Array(200), batchOf(["x"])])
    noteRefused(refused, records, { producers, nowMs: 0 });
  expect(refused.size).toBe(0);
});
