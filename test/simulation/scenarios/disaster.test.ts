import { expect, test } from "vitest";
import { brokerPacksPrefix } from "../../../broker/tiering/object-keys.ts";
import { cellName } from "../cell/broker-node.ts";
import { orders, play } from "../stage/play.ts";
import type { Stage } from "../stage/stage.ts";
import { deleteRecords, isOf, loseEveryDisk, packed, tieredEndOf } from "../stage/tier-stage.ts";

// Every disk of a cell is lost at once: what is left of it is the object store. What that may cost, and that no offset means two records afterwards, is checked
// when a script is over (scenario/promises.ts).

const coldEndOf = (stage: Stage): number =>
  stage.cell.cold.endOf({ topicId: stage.topicId(), index: 0 });

const untilRecovered = (stage: Stage, count = 1): Promise<number> =>
  stage.until("a recovery", () => stage.partition().recoveries.length === count);

/** Old segments are rare, so that packs have most of it. */
const slowly = { maxAgeMs: 20_000 };

/** Longer than a leader that was given up goes on packing. */
const lateLoss = { lostDelayMs: 20_000 };

test("every disk is lost at once: what was in segments and packs is there, and records go on far above", async () => {
  await play({ config: packed(slowly) }, async (stage) => {
    const load = stage.load({ pauseMs: 60 });
    await stage.until(
      "packs beyond the segments",
      () => tieredEndOf(stage) > 0 && coldEndOf(stage) > tieredEndOf(stage) + 10,
    );
    const lostMs = stage.nowMs;
    const end = coldEndOf(stage);
    loseEveryDisk(stage);
    await stage.until("writes to be taken", () => load.isServedSince(lostMs));
    const [recovery] = stage.partition().recoveries;
    expect(recovery!.end).toBeGreaterThanOrEqual(end);
    const first = load.acknowledged.find(({ sentMs }) => sentMs >= lostMs)!;
    expect(first.baseOffset).toBeGreaterThan(recovery!.start);
    const fetched = await stage.answer(stage.probe.fetch(stage.leader(), { offset: 0 }));
    expect(fetched.records[0]).toMatchObject({ offset: 0 });
  });
});

test("every disk is lost twice, once before anything was written again: nothing is lost but what no pack had", async () => {
  await play({ config: packed() }, async (stage) => {
    const load = stage.load({ pauseMs: 60 });
    await stage.until("packs", () => coldEndOf(stage) > 40);
    loseEveryDisk(stage);
    await untilRecovered(stage);
    loseEveryDisk(stage);
    await untilRecovered(stage, 2);
    const againMs = stage.nowMs;
    await stage.until("writes to be taken", () => load.isServedSince(againMs));
    await stage.untilInSync();
  });
});

test("a partition that is without segments, and loses every disk, goes on from its packs", async () => {
  await play({ config: packed({ maxAgeMs: 3_600_000, isEager: false }) }, async (stage) => {
    const load = stage.load({ pauseMs: 60 });
    await stage.until("packs", () => coldEndOf(stage) > 60);
    expect(tieredEndOf(stage)).toBe(0);
    const lostMs = stage.nowMs;
    loseEveryDisk(stage);
    await stage.until("writes to be taken", () => load.isServedSince(lostMs));
    expect(stage.replica(stage.leader()).logStartOffset).toBe(0);
  });
});

test("records were deleted, and an old pack is left in front of those that went with them: the partition begins behind the hole", async () => {
  await play({ config: packed({ maxAgeMs: 3_600_000, isEager: false }) }, async (stage) => {
    const load = stage.load({ pauseMs: 60 });
    const packs = (): string[] =>
      stage.cell.objects.keys(brokerPacksPrefix(cellName, stage.idOf(stage.leader())));
    // It is there, and its leader does not know that: what it holds goes into the next as well.
    let left = "";
    stage.cell.objects.service.meddler = ({ process, what }) => {
      const [, key = ""] = /^put of (.*\.pack)$/.exec(what) ?? [];
      if (left !== "" || key === "" || !isOf(stage.leader(), process)) return null;
      left = key;
      return { kind: "unanswered" };
    };
    await stage.until("packs", () => coldEndOf(stage) > 120);
    const before = packs();
    const start = await stage.answer(deleteRecords(stage, 100));
    expect(start).toBe(100);
    await stage.until("packs to be deleted", () => !packs().includes(before[1]!));
    expect(packs()).toContain(left);
    const lostMs = stage.nowMs;
    const end = coldEndOf(stage);
    loseEveryDisk(stage);
    await stage.until("writes to be taken", () => load.isServedSince(lostMs));
    expect(stage.partition().recoveries[0]!.end).toBeGreaterThanOrEqual(end);
    expect(stage.replica(stage.leader()).logStartOffset).toBeGreaterThan(50);
  });
});

test("a pack that is there only after the recovery was decided brings nothing back, then or after the next loss", async () => {
  await play({ config: packed({ maxAgeMs: 3_600_000, isEager: false }) }, async (stage) => {
    const load = stage.load({ pauseMs: 60 });
    const { service } = stage.cell.objects;
    const leader = stage.leader();
    let lateMs = 0;
    // Its leader does not know of any that they are there: so the last, which is late, begins where they do and goes further.
    service.meddler = ({ process, what }) => {
      if (!isOf(leader, process) || !/^put of .*\.pack$/.test(what) || lateMs > 0) return null;
      if (coldEndOf(stage) < 40) return { kind: "unanswered" };
      lateMs = stage.nowMs + 40_000;
      return { kind: "late", delayMs: 40_000 };
    };
    await stage.until("a late pack", () => lateMs > 0);
    const lostMs = stage.nowMs;
    loseEveryDisk(stage);
    await untilRecovered(stage);
    service.setOut(true);
    const { packCount } = stage.cell.cold;
    await stage.until("the late pack", () => stage.nowMs > lateMs);
    expect(stage.cell.cold.packCount).toBe(packCount + 1);
    service.setOut(false);
    await stage.until("writes to be taken", () => load.isServedSince(lostMs));
    const { start } = stage.partition().recoveries[0]!;
    await stage.until("packs behind the gap", () => coldEndOf(stage) > start + 20);
    loseEveryDisk(stage);
    await untilRecovered(stage, 2);
    const againMs = stage.nowMs;
    await stage.until("writes to be taken", () => load.isServedSince(againMs));
  });
});

test("what a leader that was cut off still packs, before its disk is lost, is there after the recovery", async () => {
  const topics = [orders({ partitionCount: 3, replicationFactor: 1, configs: {} })];
  const config = { ...packed({ maxAgeMs: 3_600_000, isEager: false }), cell: lateLoss };
  await play({ config, topics }, async (stage) => {
    const index = [0, 1, 2].find((each) => stage.leader("orders", each) !== stage.controller)!;
    const partition = () => stage.partition("orders", index);
    const end = () => stage.cell.cold.endOf({ topicId: stage.topicId(), index });
    stage.load({ pauseMs: 60 });
    await stage.until("packs", () => end() > 40);
    const leader = stage.leader("orders", index);
    const mends = [stage.cutFromBrokers(leader)];
    mends.push(stage.cut(leader.host, stage.cell.metadata.service.host));
    // The object store is slow for it.
    stage.cell.objects.service.meddler = ({ process, what }) =>
      isOf(leader, process) && /^put of .*\.pack$/.test(what)
        ? { kind: "late", delayMs: 4_000 }
        : null;
    await stage.until("it to be given up", () => partition().leader === -1);
    const before = end();
    await stage.pass(8_000);
    expect(end()).toBeGreaterThan(before);
    leader.host.crash();
    leader.disk.wipe(leader.directory, { isNewVolume: true });
    stage.promises.everyDiskLost();
    mends.forEach((mend) => mend());
    stage.cell.objects.service.meddler = null;
    const lostEnd = end();
    leader.host.boot();
    await stage.until("a recovery", () => partition().recoveries.length === 1);
    expect(partition().recoveries[0]!.end).toBeGreaterThanOrEqual(lostEnd);
  });
});

test("a leader that waits for the object store before it leads does not give up when its partition is changed meanwhile", async () => {
  await play({ brokerCount: 4, config: packed(), topics: [orders()] }, async (stage) => {
    const load = stage.load({ pauseMs: 60 });
    await stage.until("packs", () => coldEndOf(stage) > 40);
    const { service } = stage.cell.objects;
    const lostMs = stage.nowMs;
    loseEveryDisk(stage);
    await untilRecovered(stage);
    service.setOut(true);
    // Its first request has no answer for a second.
    const { replicas } = stage.partition();
    await stage.reassign(replicas.toReversed());
    await stage.pass(3_000);
    service.setOut(false);
    await stage.until("writes to be taken", () => load.isServedSince(lostMs));
  });
});
