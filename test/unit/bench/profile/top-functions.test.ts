import { expect, test } from "vitest";
import { idleShare, topByAllocation, topByTime } from "../../../../bench/profile/top-functions.ts";

const frame = (functionName: string, url = "", lineNumber = 0) => ({
  functionName,
  url,
  lineNumber,
});

const profile = {
  nodes: [
    { id: 1, callFrame: frame("(idle)") },
    { id: 2, callFrame: frame("copyIn", "file:///home/me/myelin/broker/log/hot-ring.ts", 111) },
    // The same function, reached by another caller.
    { id: 3, callFrame: frame("copyIn", "file:///home/me/myelin/broker/log/hot-ring.ts", 111) },
    { id: 4, callFrame: frame("writev") },
  ],
  samples: [1, 2, 3, 4, 2],
  timeDeltas: [4_000, 1_000, 1_000, 1_000, 1_000],
};

test("a function's time is summed over its callers, and idle time is no function's", () => {
  expect(topByTime(profile, "/home/me/myelin")).toEqual([
    { name: "copyIn", place: "broker/log/hot-ring.ts:112", amount: 3, share: 0.75 },
    { name: "writev", place: "", amount: 1, share: 0.25 },
  ]);
});

test("the idle share is of the whole time", () => {
  expect(idleShare(profile)).toBe(0.5);
});

test("allocations are summed over the tree", () => {
  const tree = {
    callFrame: frame("(root)"),
    selfSize: 0,
    children: [
      {
        callFrame: frame("decode"),
        selfSize: 30,
        children: [{ callFrame: frame("encode"), selfSize: 10, children: [] }],
      },
      { callFrame: frame("encode"), selfSize: 60, children: [] },
    ],
  };
  expect(topByAllocation(tree, "/").map(({ name, amount }) => [name, amount])).toEqual([
    ["encode", 70],
    ["decode", 30],
  ]);
});
