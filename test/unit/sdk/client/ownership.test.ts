import { expect, test } from "vitest";
import type { Owned } from "../../../../sdk/src/client/ownership.ts";
import { createOwnership } from "../../../../sdk/src/client/ownership.ts";

function owned(partition: number): Owned {
  const topic = "orders";
  return {
    topic,
    partition,
    place: { topic, partition, position: 0 },
    doneOffset: 0,
    pending: null,
  };
}

test("what is done is pending until the group knows it", () => {
  const ownership = createOwnership();
  const first = owned(0);
  ownership.replace([first]);
  ownership.done(first, 5, 1);
  const offsets = ownership.pending();
  expect(offsets).toEqual([{ topic: "orders", partition: 0, offset: 5n, leaderEpoch: 1 }]);
  ownership.committed(offsets);
  expect(ownership.pending()).toEqual([]);
});

test("what was done while a commit was under way stays pending", () => {
  const ownership = createOwnership();
  const first = owned(0);
  ownership.replace([first]);
  ownership.done(first, 5, 1);
  const offsets = ownership.pending();
  ownership.done(first, 6, 1);
  ownership.committed(offsets);
  expect(ownership.pending().map(({ offset }) => offset)).toEqual([6n]);
});

test("done never goes back", () => {
  const ownership = createOwnership();
  const first = owned(0);
  ownership.replace([first]);
  ownership.done(first, 6, 1);
  ownership.done(first, 5, 1);
  expect(ownership.pending().map(({ offset }) => offset)).toEqual([6n]);
});

test("done does not go back either behind what the group knows already", () => {
  const ownership = createOwnership();
  const first = owned(0);
  ownership.replace([first]);
  ownership.done(first, 6, 1);
  ownership.committed(ownership.pending());
  ownership.done(first, 5, 1);
  expect(ownership.pending()).toEqual([]);
});

test("a partition that went away and came back does not take what belonged to the earlier time", () => {
  const ownership = createOwnership();
  const earlier = owned(0);
  const later = owned(0);
  ownership.replace([earlier]);
  ownership.replace([later]);
  expect(ownership.isCurrent(earlier)).toBe(false);
  ownership.done(earlier, 9, 1);
  expect(ownership.pending()).toEqual([]);
});
