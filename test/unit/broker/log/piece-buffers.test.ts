import { expect, test } from "vitest";
import { createManualClock } from "../../../../adapters/memory/clock.ts";
import { type PieceBuffer, PieceBuffers } from "../../../../broker/log/piece-buffers.ts";
import { turnOver } from "./store-fixture.ts";

const kib = 1024;
const never = (): void => {
  throw new Error("given up");
};

/** Four buffers of 64 KiB, each of which can be had as four of 16 KiB, and each of these as four of 4. */
function createBuffers() {
  const clock = createManualClock();
  return { clock, buffers: new PieceBuffers({ clock, budgetBytes: 256 * kib }) };
}

function takeAll(buffers: PieceBuffers, byteLength: number, giveUp = never): PieceBuffer[] {
  const taken: PieceBuffer[] = [];
  for (;;) {
    const buffer = buffers.tryTake(byteLength, giveUp);
    if (buffer === null) return taken;
    taken.push(buffer);
  }
}

test("however many ask, no more is lent than the budget", () => {
  const { buffers } = createBuffers();
  const large = takeAll(buffers, 64 * kib);
  expect(large).toHaveLength(4);
  expect(buffers.heldBytes).toBe(256 * kib);
  large[2]!.release();
  const middling = buffers.tryTake(5_000, never)!;
  expect(middling.bytes).toHaveLength(16 * kib);
  expect(takeAll(buffers, 100)).toHaveLength(3 * 4);
  expect(buffers.heldBytes).toBe(256 * kib);
});

test("no byte is lent to two at once", () => {
  const { buffers } = createBuffers();
  const taken = [20_000, 10_000, 1].map((size) => buffers.tryTake(size, never)!);
  taken.push(...takeAll(buffers, 100));
  expect(taken).toHaveLength(1 + 1 + 3 * 16 - 4);
  for (const [number, { bytes }] of taken.entries()) bytes.fill(number);
  for (const [number, { bytes }] of taken.entries()) {
    expect(bytes.every((byte) => byte === number)).toBe(true);
  }
});

test("a buffer cut into small ones is whole again when all of them are back", () => {
  const { buffers } = createBuffers();
  const small = takeAll(buffers, 4 * kib);
  expect(small).toHaveLength(64);
  const first = small.filter(({ bytes }) => bytes.buffer === small[0]!.bytes.buffer);
  expect(first).toHaveLength(16);
  for (const buffer of first.slice(1)) buffer.release();
  expect(buffers.tryTake(64 * kib, never)).toBe(null);
  expect(takeAll(buffers, 16 * kib).map((buffer) => buffer.release())).toHaveLength(3);
  first[0]!.release();
  expect(buffers.tryTake(64 * kib, never)?.bytes).toHaveLength(64 * kib);
});

test("who finds nothing free is served in the order of asking, and nobody is served before", async () => {
  const { buffers } = createBuffers();
  const held = takeAll(buffers, 4 * kib);
  const served: string[] = [];
  const ask = async (name: string): Promise<void> => {
    await buffers.take(1, never);
    served.push(name);
  };
  const asked = [ask("first"), ask("second"), ask("third")];
  held[0]!.release();
  await turnOver();
  expect(served).toEqual(["first"]);
  held[1]!.release();
  expect(buffers.tryTake(10, never)).toBe(null);
  held[2]!.release();
  await Promise.all(asked);
  expect(served).toEqual(["first", "second", "third"]);
});

test("one that keeps its buffer for long is given up while another waits, the longest first", async () => {
  const { clock, buffers } = createBuffers();
  const givenUp: number[] = [];
  const held: PieceBuffer[] = [];
  for (const number of [0, 1, 2, 3]) {
    const giveUp = (): void => {
      givenUp.push(number);
      held[number]!.release();
    };
    held.push(buffers.tryTake(64 * kib, giveUp)!);
  }
  for (const number of [1, 0, 2]) {
    await clock.advance(1_000);
    held[number]!.filled();
  }
  await clock.advance(60_000);
  // Nobody has waited yet.
  expect(givenUp).toEqual([]);
  const waited = buffers.take(1, never);
  await clock.advance(4_999);
  expect(givenUp).toEqual([]);
  await clock.advance(1);
  expect(givenUp).toEqual([1]);
  await waited;
  await clock.advance(60_000);
  expect(givenUp).toEqual([1]);
});

test("one that got its buffer only now is not given up, nor one whose bytes are still being read", async () => {
  const { clock, buffers } = createBuffers();
  const givenUp: string[] = [];
  for (const name of ["reading", "late", "later"]) {
    const buffer = buffers.tryTake(64 * kib, () => givenUp.push(name))!;
    if (name !== "reading") clock.after(3_000, () => buffer.filled());
  }
  const old = buffers.tryTake(64 * kib, () => givenUp.push("old"))!;
  old.filled();
  const waited = buffers.take(1, never);
  await clock.advance(5_000);
  expect(givenUp).toEqual(["old"]);
  old.release();
  await waited;
});

test("nothing is left on the clock when nobody waits", async () => {
  const { clock, buffers } = createBuffers();
  const held = takeAll(buffers, 64 * kib);
  const waited = buffers.take(1, never);
  held[0]!.release();
  await waited;
  for (const buffer of held.slice(1)) buffer.filled();
  await clock.advance(60_000);
  expect(buffers.heldBytes).toBe(3 * 64 * kib + 4 * kib);
});
