import fc from "fast-check";
import { expect, test } from "vitest";
import { type Frame, frameCost, FramePool } from "../../../../broker/server/frame-pool.ts";

const kib = 1024;

test("buffers come in powers of two from 1 KiB to 16 MiB, and as asked for beyond", () => {
  expect([0, 1, 1024, 1025, 65_536, 65_537].map(frameCost)).toEqual([
    1024, 1024, 1024, 2048, 65_536, 131_072,
  ]);
  expect(frameCost(16 * kib * kib + 1)).toBe(16 * kib * kib + 1);
});

test("memory given back serves the next frame of its class", () => {
  const pool = new FramePool({ frameBudgetBytes: 1024 * kib, retainedFrameBytes: 64 * kib });
  const first = pool.lend(3000);
  if (first === null) throw new Error("no frame");
  pool.giveBack(first);
  expect(pool.retainedBytes).toBe(4096);
  const second = pool.lend(2500);
  expect(second?.memory).toBe(first.memory);
  expect(second?.bytes.byteLength).toBe(2500);
  expect(pool.retainedBytes).toBe(0);
});

test("no more free memory is kept than agreed", () => {
  const pool = new FramePool({ frameBudgetBytes: 1024 * kib, retainedFrameBytes: 10 * kib });
  const frames = [1, 2, 3].map(() => pool.lend(4096));
  for (const frame of frames) if (frame !== null) pool.giveBack(frame);
  expect(pool.retainedBytes).toBe(8192);
});

test("a frame given back twice counts once", () => {
  const pool = new FramePool({ frameBudgetBytes: 1024 * kib, retainedFrameBytes: 10 * kib });
  const [first, second] = [pool.lend(100), pool.lend(100)];
  if (first === null || second === null) throw new Error("no frame");
  pool.giveBack(first);
  pool.giveBack(first);
  expect(pool.lentBytes).toBe(1024);
});

test("large frames are served in the order they asked; small ones do not stand in their line", () => {
  const pool = new FramePool({ frameBudgetBytes: 400 * kib, retainedFrameBytes: 0 });
  const first = pool.lend(200 * kib);
  const granted: string[] = [];
  if (first === null) throw new Error("no frame");
  expect(pool.lend(100 * kib)).toBeNull();
  const frames: Frame[] = [];
  const take = (name: string) => (frame: Frame) => {
    granted.push(name);
    frames.push(frame);
  };
  pool.whenFree(300 * kib, take("larger"));
  pool.whenFree(100 * kib, take("behind it"));
  expect(pool.lend(10 * kib)).not.toBeNull();
  pool.giveBack(first);
  expect(granted).toEqual(["larger"]);
  const [larger] = frames;
  if (larger !== undefined) pool.giveBack(larger);
  expect(granted).toEqual(["larger", "behind it"]);
});

test("who leaves the line lets the next one through", () => {
  const pool = new FramePool({ frameBudgetBytes: 400 * kib, retainedFrameBytes: 0 });
  expect(pool.lend(100 * kib)).not.toBeNull();
  let isGranted = false;
  const leave = pool.whenFree(300 * kib, () => undefined);
  pool.whenFree(100 * kib, () => {
    isGranted = true;
  });
  expect(isGranted).toBe(false);
  leave();
  expect(isGranted).toBe(true);
});

test("whatever is asked for, the budget holds but for a single frame, and everybody is served", () => {
  const sizes = fc.array(fc.integer({ min: 0, max: 300 * kib }), { minLength: 1, maxLength: 50 });
  fc.assert(
    fc.property(sizes, fc.infiniteStream(fc.boolean()), (asked, isGivenBackAtOnce) => {
      const budget = 256 * kib;
      const pool = new FramePool({ frameBudgetBytes: budget, retainedFrameBytes: 64 * kib });
      const lent: Frame[] = [];
      let servedCount = 0;
      const serve = (frame: Frame): void => {
        servedCount++;
        if (isGivenBackAtOnce.next().value === true) pool.giveBack(frame);
        else lent.push(frame);
        // Each line may hold one frame that is larger than it.
        const largest = Math.max(...lent.map(({ bytes }) => frameCost(bytes.byteLength)), 0);
        expect(pool.lentBytes).toBeLessThanOrEqual(budget + largest);
      };
      for (const size of asked) {
        const frame = pool.lend(size);
        if (frame === null) pool.whenFree(size, serve);
        else serve(frame);
      }
      while (lent.length > 0) {
        const frame = lent.pop();
        if (frame !== undefined) pool.giveBack(frame);
      }
      expect(servedCount).toBe(asked.length);
      expect(pool.lentBytes).toBe(0);
    }),
    { numRuns: 200 },
  );
});
