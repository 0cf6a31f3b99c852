import { expect, test } from "vitest";
import { earliest } from "../client/fetcher.ts";
import { play } from "../stage/play.ts";
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

test("an object store that times out having applied every first try of a put: each record is in one listed segment", async () => {
  await play({ config: tiered() }, async (stage) => {
    stage.load({ pauseMs: 60 });
    const tried = new Map<string, number>();
    let lost = 0;
    stage.cell.objects.service.meddler = ({ what }) => {
      if (!isManifestCall(what, "put") && !isSegmentCall(what, "put")) return null;
      const count = (tried.get(what) ?? 0) + 1;
      tried.set(what, count);
      // A manifest has one key for all its puts.
      if (isSegmentCall(what, "put") ? count > 1 || lost % 3 === 2 : count % 2 === 0) return null;
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

test("records that are deleted while leaders change stay deleted, and no other record goes with them", async () => {
  await play({ config: tiered() }, async (stage) => {
    stage.load({ pauseMs: 60 });
    await tieredTo(stage, 40);
    let told = 0;
    for (let round = 1; round <= 4; round++) {
      const target = Math.floor(tieredEndOf(stage) / 2);
      const asking = deleteRecords(stage, target);
      await stage.pass(round * 15);
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
