import { expect, test } from "vitest";
import { place, turned } from "../../../../sdk/src/cli/cell-move.ts";

test.each([
  ["orders", { topic: "orders", partition: null }],
  ["orders:3", { topic: "orders", partition: 3 }],
  ["a.b-c_d:0", { topic: "a.b-c_d", partition: 0 }],
])("%s is a place", (text, expected) => {
  expect(place(text)).toEqual(expected);
});

test.each(["", ":3", "orders:", "orders:x", "a:1:2"])("%j is none", (text) => {
  expect(() => place(text)).toThrow("Write topic or topic:partition.");
});

test("the brokers take turns in leading a topic's partitions", () => {
  expect([0, 1, 2, 3].map((index) => turned([1, 2, 3], index))).toEqual([
    [1, 2, 3],
    [2, 3, 1],
    [3, 1, 2],
    [1, 2, 3],
  ]);
});
