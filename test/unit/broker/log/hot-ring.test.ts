import { expect, test } from "vitest";
import {
  copyIn,
  copyOut,
  createHotRing,
  hasBytes,
  pinRanges,
  reserve,
  slicesOf,
  unpin,
} from "../../../../broker/log/hot-ring.ts";

const chunkBytes = 16;
const ringOf = (chunks: number) => createHotRing({ ringBytes: chunks * chunkBytes, chunkBytes });

/** Reserves and fills. */
const append = (ring: ReturnType<typeof ringOf>, address: number, length: number): boolean => {
  if (!reserve(ring, address, length)) return false;
  copyIn(ring, address, bytesOf(length, 9));
  return true;
};

const bytesOf = (length: number, value: number): Uint8Array => new Uint8Array(length).fill(value);

test("bytes that span chunks come back as slices in order", () => {
  const ring = ringOf(4);
  expect(reserve(ring, 8, 30)).toBe(true);
  copyIn(
    ring,
    8,
    Uint8Array.from({ length: 30 }, (_, index) => index),
  );
  const slices = slicesOf(ring, 8, 30)!;
  expect(slices.map((slice) => slice.length)).toEqual([8, 16, 6]);
  expect(Buffer.concat(slices)).toEqual(Buffer.from(Array.from({ length: 30 }, (_, i) => i)));
});

test("a batch is copied whole however it and its place are aligned, and not a byte beside it", () => {
  const ring = createHotRing({ ringBytes: 2 * 4096, chunkBytes: 4096 });
  const frame = Uint8Array.from({ length: 600 }, (_, index) => (index * 7) % 251);
  for (const size of [1, 2, 63, 64, 65, 300]) {
    for (let start = 0; start < 9; start++) {
      for (let at = 8; at < 17; at++) {
        // Over the end of a chunk, too.
        for (const address of [at, 4096 - (size >> 1) - at]) {
          reserve(ring, 0, 2 * 4096);
          copyIn(ring, address - 1, new Uint8Array(size + 2));
          copyIn(ring, address, frame.subarray(start, start + size));
          const out = new Uint8Array(size + 2);
          copyOut(ring, address - 1, size + 2, out);
          expect(out).toEqual(Uint8Array.of(0, ...frame.subarray(start, start + size), 0));
        }
      }
    }
  }
});

test("the ring refuses what would overwrite bytes that are not written", () => {
  const ring = ringOf(4);
  expect(append(ring, 0, 64)).toBe(true);
  expect(append(ring, 64, 1)).toBe(false);
  ring.writtenEnd = 16;
  expect(append(ring, 64, 16)).toBe(true);
  expect(append(ring, 80, 1)).toBe(false);
});

test("the oldest bytes make room, and memory is not grown for it", () => {
  const ring = ringOf(4);
  for (let address = 0; address < 1_000; address += chunkBytes) {
    ring.writtenEnd = address;
    expect(append(ring, address, chunkBytes)).toBe(true);
  }
  expect(ring.allocatedCount).toBe(4);
  expect(hasBytes(ring, 0, 1)).toBe(false);
});

test("a pinned chunk is not overwritten: a spare takes its place", () => {
  const ring = ringOf(4);
  reserve(ring, 0, 16);
  copyIn(ring, 0, bytesOf(16, 7));
  const pin = pinRanges(ring, [{ address: 0, byteLength: 16 }], () => {});
  const [slice] = slicesOf(ring, 0, 16)!;
  for (let address = 16; address < 160; address += 16) {
    ring.writtenEnd = address;
    expect(append(ring, address, 16)).toBe(true);
  }
  expect(slice).toEqual(bytesOf(16, 7));
  expect(ring.allocatedCount).toBe(5);
  unpin(ring, pin);
  expect(ring.setAsideCount).toBe(0);
});

test("without a spare left the oldest pin is asked to give up, once, and the ring waits for it", () => {
  const ring = ringOf(4);
  const asked: string[] = [];
  let woken = 0;
  ring.onUnpin = () => (woken += 1);
  const pins = [];
  let address = 0;
  for (const name of ["first", "second"]) {
    append(ring, address, 16);
    pins.push(pinRanges(ring, [{ address, byteLength: 16 }], () => asked.push(name)));
    address += 16;
  }
  // One spare for four chunks: it replaces the first, and there is none for the second.
  for (; address < 80; address += 16) {
    ring.writtenEnd = address;
    expect(append(ring, address, 16)).toBe(true);
  }
  expect(asked).toEqual([]);
  ring.writtenEnd = address;
  expect(append(ring, address, 16)).toBe(false);
  expect(append(ring, address, 16)).toBe(false);
  expect(asked[0]).toBe("first");
  expect(asked.filter((name) => name === "first").length).toBe(1);
  unpin(ring, pins[0]!);
  expect(woken).toBe(1);
  expect(append(ring, address, 16)).toBe(true);
});
