import { expect, test } from "vitest";
import { ClusterClient } from "../client/cluster-client.ts";
import { earliest, Fetcher } from "../client/fetcher.ts";
import { orders, play } from "../stage/play.ts";
import type { Stage } from "../stage/stage.ts";
import {
  deleteRecords,
  isManifestCall,
  isSegmentCall,
  listOffset,
  manifestOf,
  segmentKeys,
  tiered,
  tieredEndOf,
  untilChanged,
} from "../stage/tier-stage.ts";

// The object store as tiering meets it: errors that say nothing of what was done, outages, and disks that fill up meanwhile.

const tieredTo = (stage: Stage, offset: number): Promise<number> =>
  stage.until(`records up to ${offset} in the object store`, () => tieredEndOf(stage) >= offset);

test("an object store that times out having applied most puts: each record is in one listed segment", async () => {
  await play({ config: tiered() }, async (stage) => {
    stage.load({ pauseMs: 60 });
    const tried = { manifest: 0, segment: 0 };
    let lost = 0;
    stage.cell.objects.service.meddler = ({ what }) => {
      if (!isManifestCall(what, "put") && !isSegmentCall(what, "put")) return null;
      const isAnswered = isSegmentCall(what, "put")
        ? ++tried.segment % 3 === 0
        : ++tried.manifest % 2 === 0;
      if (isAnswered) return null;
      lost++;
      return { kind: "unanswered" };
    };
    await tieredTo(stage, 100);
    expect(lost).toBeGreaterThan(4);
    stage.cell.objects.service.meddler = null;
    const listed = new Set(manifestOf(stage)!.segments.map(({ name }) => name));
    const orphans = segmentKeys(stage).filter((key) => !listed.has(key.split("/").at(-1)!));
    await stage.until("what nobody lists to be gone", () =>
      orphans.every((key) => !segmentKeys(stage).includes(key)),
    );
  });
});

test("ten minutes without an object store under load on a small disk: its use is bounded, nothing is refused for good or lost, and all goes on by itself", async () => {
  const config = tiered();
  await play({ config }, async (stage) => {
    const load = stage.load({ pauseMs: 400, maxFillBytes: 3_000 });
    await tieredTo(stage, 10);
    for (const { disk } of stage.nodes) disk.setFreeBytes(200_000);
    const limits = stage.nodes.map(({ disk }) => disk.usedBytes() + 200_000);
    const { service } = stage.cell.objects;
    service.setOut(true);
    await stage.pass(600_000);
    for (const [at, { disk }] of stage.nodes.entries())
      expect(disk.usedBytes()).toBeLessThanOrEqual(limits[at]!);
    // It had no room for what came in that time.
    expect(load.isServedSince(stage.nowMs - 60_000)).toBe(false);
    // Whoever gave up had tried for two minutes: each error was one to try again after.
    for (const { sentMs, settledMs } of load.failures)
      expect(settledMs - sentMs).toBeGreaterThan(119_000);
    service.setOut(false);
    const backMs = stage.nowMs;
    await stage.until("writes to be taken", () => load.isServedSince(backMs));
    // For good, not only what was free.
    await stage.pass(60_000);
    const lateMs = stage.nowMs;
    await stage.until("writes to be taken still", () => load.isServedSince(lateMs));
  });
});

test("disks on which no file can be added go on in those that tiering gives back, and nothing is refused or lost", async () => {
  await play({ config: tiered() }, async (stage) => {
    const load = stage.load({ pauseMs: 100, maxFillBytes: 2_000 });
    await stage.until("files to be given back", () =>
      stage.nodes.every((node) => stage.replica(node).localStartOffset > 100),
    );
    // Less than one file beside what is kept for checkpoints.
    for (const { disk } of stage.nodes) disk.setFreeBytes(66_000);
    const { localStartOffset } = stage.replica(stage.leader());
    await stage.pass(90_000);
    const lateMs = stage.nowMs;
    await stage.until("writes to be taken", () => load.isServedSince(lateMs));
    expect(stage.replica(stage.leader()).localStartOffset).toBeGreaterThan(localStartOffset + 100);
    expect(load.failures).toEqual([]);
  });
});

/** A consumer that begins at the beginning, alone; reads on until the end. */
function readCold(stage: Stage): Fetcher {
  const place = stage.cell.addClient("cold reader");
  const reads = { usesSessions: false, maxWaitMs: 100, maxBytes: 8_000, rack: "" };
  const client = new ClusterClient(place);
  const fetcher = new Fetcher(client, { name: "cold reader", history: stage.history, ...reads });
  fetcher.assign([{ topic: "orders", index: 0, position: 0 }]);
  place.process.deliver(() => void fetcher.run());
  return fetcher;
}

// Of one broker: two segments that are cut, one reader that reads ahead, and some that look whether anything is to be done.
const callsAtMost = 8;

test("an object store that takes seconds for every call: what is hot goes on, what is cold is read all the same, few calls wait, and afterwards everything is tiered", async () => {
  const topics = [
    orders(),
    orders({ name: "others", partitionCount: 4, replicationFactor: 1, configs: {} }),
  ];
  await play({ config: tiered(), topics }, async (stage) => {
    const load = stage.load({ pauseMs: 100 });
    stage.load({ topic: "others", pauseMs: 100 });
    await stage.until("records to be in the object store alone", () =>
      stage.nodes.every((node) => stage.replica(node).localStartOffset > 20),
    );
    const { service } = stage.cell.objects;
    service.setSlow([2_000, 4_000]);
    const slowMs = stage.nowMs;
    const cold = tieredEndOf(stage);
    const reader = readCold(stage);
    const [read] = reader.partitions;
    let most = 0;
    await stage.until("what is cold to be read", () => {
      for (const { serving } of stage.nodes)
        if (serving !== null) most = Math.max(most, service.underWayOf(serving.process));
      return read!.position >= cold;
    });
    await stage.pass(Math.max(0, slowMs + 30_000 - stage.nowMs));
    // Nobody who writes waits for it.
    expect(load.longestWaitMs(slowMs, stage.nowMs)).toBeLessThan(2_000);
    expect(load.failures).toEqual([]);
    expect(most).toBeLessThanOrEqual(callsAtMost);
    // Nor who reads what has just been written.
    const written = load.acknowledged.findLast(({ settledMs }) => settledMs < stage.nowMs - 1_000)!;
    const seen = stage.history.seen.filter(
      ({ reader: by, isListed }) => by === "consumer-1" && !isListed,
    );
    const lastSeen = Math.max(
      ...seen.flatMap(({ records }) => records.map(({ offset }) => offset)),
    );
    expect(lastSeen).toBeGreaterThanOrEqual(written.baseOffset);
    reader.stop();
    service.setSlow(null);
    const end = stage.replica(stage.leader()).highWatermark;
    await tieredTo(stage, end);
  });
});

test("records that are deleted while leaders change stay deleted, and no other record goes with them", async () => {
  await play({ config: tiered() }, async (stage) => {
    stage.load({ pauseMs: 60 });
    await tieredTo(stage, 40);
    let told = 0;
    for (let round = 1; round <= 4; round++) {
      const target = Math.floor(tieredEndOf(stage) / 2);
      const asking = deleteRecords(stage, target);
      await stage.pass(round * 60);
      const killed = stage.leader();
      stage.kill(killed);
      told = Math.max(told, (await stage.answer(asking)) ?? 0);
      await stage.until("another leader", () => stage.isWritable());
      const start = await stage.answer(listOffset(stage, earliest));
      if (start !== null) expect(start).toBeGreaterThanOrEqual(told);
      await stage.finished("it to serve", killed.start());
      await stage.untilInSync();
      await tieredTo(stage, tieredEndOf(stage) + 20);
    }
    expect(told).toBeGreaterThan(0);
  });
});

test("records are deleted faster than they are tiered: the tier goes on behind the log start", async () => {
  await play({ config: tiered() }, async (stage) => {
    stage.load({ pauseMs: 60 });
    await tieredTo(stage, 20);
    let end = 0;
    // The first leaves a manifest that lists nothing; of the others it is not told.
    for (let round = 0; round < 6; round++) {
      end = stage.replica(stage.leader()).highWatermark;
      await stage.answer(deleteRecords(stage, end));
    }
    await tieredTo(stage, end + 20);
  });
});

test("a leader that dies between the manifest's new log start and its own leaves a partition without a hole", async () => {
  await play({ config: tiered() }, async (stage) => {
    const load = stage.load({ pauseMs: 60 });
    await stage.until("records to be in the object store alone", () =>
      stage.nodes.every((node) => stage.replica(node).localStartOffset > 60),
    );
    const leader = await stage.leaderApart();
    const target = Math.floor(tieredEndOf(stage) / 2);
    const asking = deleteRecords(stage, target);
    await untilChanged(
      stage,
      "the manifest's new log start",
      ({ key }) => key.endsWith("/manifest") && manifestOf(stage)!.logStartOffset >= target,
    );
    stage.kill(leader);
    await stage.answer(asking);
    await stage.until("another leader", () => stage.isWritable());
    const killedMs = stage.nowMs;
    await stage.until("writes to be taken", () => load.isServedSince(killedMs));
    // What the manifest no longer lists is nowhere: the log must not say that it begins there.
    await stage.until(
      "the new leader to begin there too",
      () => stage.replica(stage.leader()).logStartOffset >= target,
    );
  });
});
