import { describe, expect, test } from "vitest";

import { accepted } from "../../../../metadata/commands/command.ts";
import { createTopic } from "../../../../metadata/commands/create-topics.ts";
import { recoverPartitions } from "../../../../metadata/commands/recover-partitions.ts";
import type { ReportedEnd } from "../../../../metadata/commands/recovery-plan.ts";
import { imageProblems } from "../../../../metadata/image/image-checker.ts";
import type { Image } from "../../../../metadata/image/image.ts";
import { declareLost } from "../../../../metadata/commands/declare-lost.ts";
import { electLeaders } from "../../../../metadata/commands/elect-leaders.ts";
import { fenceBrokers } from "../../../../metadata/commands/fence-brokers.ts";
import { registerBroker } from "../../../../metadata/commands/register-broker.ts";
import { isBehindTier } from "../../../../metadata/commands/recovery.ts";
import type { TierEnd, TierLookup } from "../../../../metadata/commands/recovery.ts";
import { newBroker, readyCell } from "../test-cell.ts";

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

const gap = 2 ** 40;

/** One partition that waits, and what is said of it. */
function darkPartition() {
  const cell = darkCell(1);
  const [topicId = ""] = cell.image.topics.keys();
  const partition = () => cell.image.topics.get(topicId)?.partitions[0];
  const tieredTo = (tier: Partial<TierEnd> | null): TierLookup => {
    const { partitionEpoch = -1 } = partition() ?? {};
    return () => (tier === null ? null : { end: 0, lastEpoch: -1, partitionEpoch, ...tier });
  };
  const recover = (ends: readonly ReportedEnd[], tieredEnds: TierLookup) =>
    cell.accept((image, context) => recoverPartitions(image, { ends, tieredEnds }, context));
  const refOf = (brokerId: number) => {
    return { brokerId, brokerEpoch: cell.image.brokers.get(brokerId)?.epoch ?? -1 };
  };
  const loseAll = () => {
    const brokers = [1, 2, 3].map(refOf);
    cell.accept((image, context) => fenceBrokers(image, { brokers }, context));
    for (const ref of brokers) {
      cell.accept((image, context) => declareLost(image, ref, context));
    }
  };
  return { cell, partition, tieredTo, recover, loseAll };
}

describe("a partition of which the object store may hold more than any log", () => {
  test("waits until the store has been asked, in the term that is to be recovered", () => {
    const { cell, partition, tieredTo, recover } = darkPartition();
    const ends = endsOf(cell.image, [1, 2, 3]);
    expect(recover(ends, tieredTo(null))).toEqual([]);
    expect(recover(ends, tieredTo({ end: 50, lastEpoch: 0, partitionEpoch: 0 }))).toEqual([]);
    expect(partition()?.leader).toBe(-1);
  });

  test("goes on from a log that has more", () => {
    const { cell, partition, tieredTo, recover } = darkPartition();
    const [plan] = recover(endsOf(cell.image, [1, 2, 3]), tieredTo({ end: 50, lastEpoch: 0 }));
    expect(plan).toMatchObject({ leader: 3, end: 103 });
    expect(partition()?.recoveries).toEqual([{ epoch: 2, end: 103, start: 103 + gap }]);
  });

  test("never goes on below the end of the store, nor with a log that a later term there has replaced", () => {
    for (const tier of [
      { end: 150, lastEpoch: 0 },
      { end: 90, lastEpoch: 1 },
    ]) {
      const { cell, partition, tieredTo, recover } = darkPartition();
      const ends = endsOf(cell.image, [1, 2, 3]);
      recover(ends, tieredTo(tier));
      expect(partition()?.recoveries).toMatchObject([{ end: tier.end, start: tier.end + gap }]);
      expect(imageProblems(cell.image)).toEqual([]);
      expect(isBehindTier({ logEndOffset: 103, lastEpoch: 0 }, tier)).toBe(true);
    }
    expect(isBehindTier({ logEndOffset: 103, lastEpoch: 0 }, { end: 50, lastEpoch: 0 })).toBe(
      false,
    );
  });

  test("begins above every term of the store", () => {
    const { cell, partition, tieredTo, recover } = darkPartition();
    recover(endsOf(cell.image, [1, 2, 3]), tieredTo({ end: 150, lastEpoch: 40 }));
    expect(partition()).toMatchObject({ leaderEpoch: 41, recoveries: [{ epoch: 41, end: 150 }] });
    expect(imageProblems(cell.image)).toEqual([]);
  });

  test("whose disks are lost waits for an operator, who is shown what would be given up", () => {
    const { cell, partition, tieredTo, recover, loseAll } = darkPartition();
    loseAll();
    const { brokerId: id } = cell.accept((image, context) =>
      registerBroker(image, newBroker("new"), context),
    );
    const tieredEnds = tieredTo({ end: 70, lastEpoch: 0 });
    expect(recover([], tieredEnds)).toEqual([]);
    const { clusterId } = cell;
    const request = { clusterId, electionType: "unclean" as const, partitions: null, tieredEnds };
    const ask = (isValidateOnly: boolean) =>
      cell.accept((image, context) => electLeaders(image, { ...request, isValidateOnly }, context));
    const [shown] = ask(true);
    expect(shown).toMatchObject({ plan: { end: 70, givenUp: [1, 2, 3], replicas: [id] } });
    expect(partition()?.leader).toBe(-1);
    ask(false);
    expect(partition()).toMatchObject({
      leader: id,
      replicas: [id],
      recoveries: [{ end: 70, start: 70 + gap }],
    });
    expect(imageProblems(cell.image)).toEqual([]);
  });

  test("is not recovered from the store while a disk may come back", () => {
    const { cell, tieredTo } = darkPartition();
    const brokers = [1, 2, 3].map((brokerId) => {
      return { brokerId, brokerEpoch: cell.image.brokers.get(brokerId)?.epoch ?? -1 };
    });
    cell.accept((image, context) => fenceBrokers(image, { brokers }, context));
    cell.accept((image, context) => registerBroker(image, newBroker("new"), context));
    const tieredEnds = tieredTo({ end: 70, lastEpoch: 0 });
    const { clusterId } = cell;
    const request = { clusterId, electionType: "unclean" as const, partitions: null, tieredEnds };
    const [outcome] = cell.accept((image, context) => electLeaders(image, request, context));
    expect(outcome).toMatchObject({ error: "ELIGIBLE_LEADERS_NOT_AVAILABLE" });
  });
});
