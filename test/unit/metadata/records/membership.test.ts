import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { membershipOf, withMembership } from "../../../../metadata/records/membership.ts";
import type { PartitionState } from "../../../../metadata/records/partition.ts";
import { decodeRecord, encodeRecord } from "../../../../metadata/records/table.ts";
import { partitionState } from "../test-cell.ts";

function afterWire(before: PartitionState, after: PartitionState): PartitionState | null {
  const membership = membershipOf(before, after);
  if (membership === null) return null;
  const record = {
    kind: "membershipChanged" as const,
    topicId: "t",
    partitions: [membership],
  };
  const wire: unknown = JSON.parse(JSON.stringify(encodeRecord(record, 4)));
  const decoded = decodeRecord(wire, 4);
  if (decoded.kind !== "membershipChanged") throw new Error("another record comes back");
  const [read] = decoded.partitions;
  return read === undefined ? null : withMembership(before, read);
}

describe("an election by position", () => {
  test("gives back any change of members and leader", () => {
    const replicas = fc.uniqueArray(fc.nat(200), { minLength: 1, maxLength: 30 });
    const scene = replicas.chain((ids) => {
      const members = fc.subarray(ids);
      return fc.record({
        before: fc.constant(partitionState({ replicas: ids, index: 7, leaderEpoch: 3 })),
        change: fc.record({
          isr: members,
          elr: members,
          lastIsr: members,
          leader: fc.constantFrom(-1, ...ids),
          leaderEpoch: fc.integer({ min: 3, max: 9 }),
          partitionEpoch: fc.integer({ min: 1, max: 9 }),
        }),
      });
    });
    fc.assert(
      fc.property(scene, ({ before, change }) => {
        const after = { ...before, ...change };
        expect(afterWire(before, after)).toEqual(after);
      }),
    );
  });

  test("shares one array where all are in sync", () => {
    const replicas = [4, 5, 6];
    const before = partitionState({ replicas, isr: [4], lastIsr: [4], leader: 4 });
    const read = afterWire(before, { ...before, isr: [4, 5, 6], lastIsr: [4, 5, 6] });
    expect(read?.isr).toBe(replicas);
    expect(read?.lastIsr).toBe(replicas);
  });

  test.each<[string, Partial<PartitionState>]>([
    ["other replicas", { replicas: [1, 2, 4] }],
    ["a move", { adding: [3] }],
    ["a recovery", { recoveries: [{ epoch: 1, end: 5, start: 2 ** 41 }] }],
    ["a seal", { sealed: { end: 5, epoch: 0 } }],
    ["a set in another order", { isr: [2, 1] }],
    ["a member that is no replica", { elr: [9] }],
    ["a leader that is no replica", { leader: 9 }],
  ])("has no words for %s", (_, change) => {
    const before = partitionState({ replicas: [1, 2, 3] });
    expect(membershipOf(before, { ...before, ...change })).toBeNull();
  });

  test("of a partition with more replicas than bits is written out", () => {
    const replicas = Array.from({ length: 31 }, (_, id) => id);
    const before = partitionState({ replicas });
    expect(membershipOf(before, { ...before, leader: 3 })).toBeNull();
  });

  test.each([
    ["a leader", { leader: 3 }],
    ["a member", { isr: 8 }],
    ["less than none", { elr: -1 }],
  ])("that names %s which the partition lacks is corrupt", (_, wrong) => {
    const before = partitionState({ replicas: [1, 2, 3] });
    const membership = membershipOf(before, { ...before, leader: 2, partitionEpoch: 1 });
    if (membership === null) throw new Error("it has words");
    expect(() => withMembership(before, { ...membership, ...wrong })).toThrow(
      expect.objectContaining({ code: "corrupt" }),
    );
  });

  test("cannot be written for a cell that does not know it", () => {
    const record = { kind: "membershipChanged" as const, topicId: "t", partitions: [] };
    expect(() => encodeRecord(record, 3)).toThrow("cannot be written at level 3");
  });
});
