import { expect, test } from "vitest";
import { closestReplica } from "../../../../broker/replication/closest-replica.ts";
import { startTerm } from "../../../../broker/replication/leader-state.ts";
import type { Partition } from "../../../../broker/replication/partition.ts";
import type { Image } from "../../../../metadata/image/image.ts";

const zones: Record<number, string> = { 1: "a", 2: "b", 3: "b", 4: "c" };

function ledBy1(ends: Record<number, number>, isr = [1, 2, 3, 4]) {
  const replicas = [1, 2, 3, 4];
  const sets = { replicas, adding: [], isr, elr: [], lastIsr: isr };
  const assignment = { leaderEpoch: 3, partitionEpoch: 3, ...sets };
  const at = { selfId: 1, startOffset: 0, nowMs: 0, brokerEpochOf: () => 1 };
  const leaderState = startTerm(assignment, at);
  for (const follower of leaderState.followers.values())
    follower.logEndOffset = ends[follower.brokerId] ?? -1;
  return { leaderState, log: { logStartOffset: 5 } } as unknown as Partition;
}

const image = (fenced: readonly number[] = []): Image =>
  ({
    brokers: new Map(
      Object.entries(zones).map(([id, zone]) => [
        Number(id),
        { zone, state: fenced.includes(Number(id)) ? "fenced" : "active" },
      ]),
    ),
  }) as unknown as Image;

test("a consumer is sent to the follower in its zone that is furthest ahead", () => {
  const led = ledBy1({ 2: 90, 3: 100, 4: 100 });
  expect(closestReplica(led, image(), { rackId: "b", fetchOffset: 50 })).toBe(3);
  expect(closestReplica(led, image([3]), { rackId: "b", fetchOffset: 50 })).toBe(2);
  expect(closestReplica(led, image(), { rackId: "c", fetchOffset: 50 })).toBe(4);
});

test("it stays with a leader in its own zone, in a zone without replicas, and without a rack", () => {
  const led = ledBy1({ 2: 90, 3: 100, 4: 100 });
  for (const rackId of ["a", "d", ""])
    expect(closestReplica(led, image(), { rackId, fetchOffset: 50 })).toBeNull();
});

test("it is sent to nobody who lacks the offset, is not in sync, or has not fetched in this term", () => {
  expect(
    closestReplica(ledBy1({ 2: 40, 3: 49 }), image(), { rackId: "b", fetchOffset: 50 }),
  ).toBeNull();
  expect(
    closestReplica(ledBy1({ 4: 90 }, [1, 2, 3]), image(), { rackId: "c", fetchOffset: 50 }),
  ).toBeNull();
  expect(closestReplica(ledBy1({}), image(), { rackId: "b", fetchOffset: 6 })).toBeNull();
  expect(closestReplica(ledBy1({ 2: 90 }), image(), { rackId: "b", fetchOffset: 4 })).toBeNull();
});
