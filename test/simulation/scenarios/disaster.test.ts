import { expect, test } from "vitest";
import { orders, play } from "../stage/play.ts";
import type { Stage } from "../stage/stage.ts";
import { loseEveryDisk, packed, tieredEndOf } from "../stage/tier-stage.ts";

// Every disk of a cell is lost at once: what is left of it is the object store. What that may cost, and that no offset means two records afterwards, is checked
// when a script is over (scenario/promises.ts).

const coldEndOf = (stage: Stage): number =>
  stage.cell.cold.endOf({ topicId: stage.topicId(), index: 0 });

const untilRecovered = (stage: Stage, count = 1): Promise<number> =>
  stage.until("a recovery", () => stage.partition().recoveries.length === count);

/** Old segments are rare, so that packs have most of it. */
const slowly = { maxAgeMs: 20_000 };

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
