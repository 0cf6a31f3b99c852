import { describe, expect, test } from "vitest";

import { accepted } from "../../../../metadata/commands/command.ts";
import { createTopic } from "../../../../metadata/commands/create-topics.ts";
import { recoverPartitions } from "../../../../metadata/commands/recover-partitions.ts";
import type { ReportedEnd } from "../../../../metadata/commands/recovery-plan.ts";
import { imageProblems } from "../../../../metadata/image/image-checker.ts";
import type { Image } from "../../../../metadata/image/image.ts";
import { readyCell } from "../test-cell.ts";

/** All hosts have lost power: every partition waits for the ends of its three logs. */
function darkCell(partitionCount: number) {
  const cell = readyCell(3);
  const { clusterId } = cell;
  const topic = { name: "t", partitionCount, replicationFactor: 3 };
  cell.accept((image, context) => createTopic(image, { clusterId, topic }, context));
  for (const [topicId, { partitions }] of cell.image.topics) {
    const dark = partitions.map((partition) => {
      return { ...partition, isr: [], elr: [], leader: -1, leaderEpoch: 1, partitionEpoch: 1 };
    });
    cell.accept(() => accepted([{ kind: "partitionsChanged", topicId, partitions: dark }], null));
  }
  return cell;
}

function endsOf(image: Image, brokerIds: readonly number[]): ReportedEnd[] {
  return [...image.topics].flatMap(([topicId, { partitions }]) =>
    partitions.flatMap(({ index }) =>
      brokerIds.map((brokerId): ReportedEnd => {
        const brokerEpoch = image.brokers.get(brokerId)?.epoch ?? -1;
        const end = { lastEpoch: 0, logEndOffset: 100 + brokerId, highWatermark: 100 };
        return { topicId, index, brokerId, brokerEpoch, ...end };
      }),
    ),
  );
}

describe("recoveries of thousands of partitions", () => {
  test("go entry by entry, and each tells the partitions it has given leaders", () => {
    const cell = darkCell(8_000);
    const ends = endsOf(cell.image, [1, 2, 3]);
    const told = new Set<number>();
    let entryCount = 0;
    while (cell.image.leaderlessCount > 0) {
      const before = cell.image.leaderlessCount;
      const plans = cell.accept((image, context) => recoverPartitions(image, { ends }, context));
      expect(plans).toHaveLength(before - cell.image.leaderlessCount);
      for (const { index, leader } of plans) {
        expect(told.has(index)).toBe(false);
        told.add(index);
        expect(leader).toBe(3);
      }
      entryCount += 1;
    }
    expect(entryCount).toBeGreaterThan(1);
    expect(told.size).toBe(8_000);
    expect(imageProblems(cell.image)).toEqual([]);
  });

  test("wait for the last of three that were in sync", () => {
    const cell = darkCell(10);
    const ends = endsOf(cell.image, [1, 3]);
    expect(cell.accept((image, context) => recoverPartitions(image, { ends }, context))).toEqual(
      [],
    );
    expect(cell.image.leaderlessCount).toBe(10);
  });

  test("do not count what was said in an earlier life, whenever it is heard", () => {
    const cell = darkCell(1);
    const now = endsOf(cell.image, [1, 2, 3]);
    const before = now.map((end) => ({ ...end, brokerEpoch: end.brokerEpoch - 1 }));
    for (const ends of [before, [...now.slice(1), ...before]]) {
      cell.accept((image, context) => recoverPartitions(image, { ends }, context));
      expect(cell.image.leaderlessCount).toBe(1);
    }
    const ends = [...now, ...before];
    cell.accept((image, context) => recoverPartitions(image, { ends }, context));
    expect(cell.image.leaderlessCount).toBe(0);
  });
});
