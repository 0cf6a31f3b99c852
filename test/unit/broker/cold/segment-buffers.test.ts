import { expect, test } from "vitest";
import { createSegmentBuffers } from "../../../../broker/cold/segment-buffers.ts";

test("two are lent at a time, and who comes third waits for one of them", async () => {
  const buffers = createSegmentBuffers(100);
  const [first, second] = [await buffers.take(), await buffers.take()];
  expect(first).toHaveLength(100);
  expect(second.buffer).not.toBe(first.buffer);
  let third: Uint8Array | null = null;
  const waiting = buffers.take().then((buffer) => (third = buffer));
  await Promise.resolve();
  expect(third).toBeNull();
  buffers.give(second);
  await waiting;
  expect(third).toBe(second);
});

test("one that was given back is lent again, until it is let go of", async () => {
  const buffers = createSegmentBuffers(100);
  const first = await buffers.take();
  buffers.give(first);
  expect(await buffers.take()).toBe(first);
  buffers.give(first);
  buffers.letGo();
  expect(await buffers.take()).not.toBe(first);
});
