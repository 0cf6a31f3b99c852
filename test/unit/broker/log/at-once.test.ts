import { expect, test } from "vitest";
import { forEachAtOnce } from "../../../../broker/log/at-once.ts";

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

test("everything is worked on once, never more than the limit at a time", async () => {
  const done: number[] = [];
  let underWay = 0;
  let highest = 0;
  await forEachAtOnce([1, 2, 3, 4, 5, 6, 7], 3, async (item) => {
    highest = Math.max(highest, ++underWay);
    await turn();
    underWay--;
    done.push(item);
  });
  expect(done.toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7]);
  expect(highest).toBe(3);
});

test("a failure begins nothing more, and is told when what was begun is over", async () => {
  const begun: number[] = [];
  let finished = 0;
  const working = forEachAtOnce([1, 2, 3, 4, 5], 2, async (item) => {
    begun.push(item);
    if (item === 1) throw new Error("no");
    await turn();
    finished++;
  });
  await expect(working).rejects.toThrow("no");
  expect({ begun, finished }).toEqual({ begun: [1, 2], finished: 1 });
});
