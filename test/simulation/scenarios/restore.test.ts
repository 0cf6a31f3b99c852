import { expect, test } from "vitest";
import { playRestored } from "../stage/play-restored.ts";
import { loseEveryDisk, manifestOf, packed, tieredEndOf } from "../stage/tier-stage.ts";

const producer = 77;

test("a cell restored beside the late writers of the former one: what these bring is not taken, nor taken for its own", async () => {
  await playRestored({
    config: packed({ maxAgeMs: 4_000 }),
    async before(former) {
      const load = former.load({ pauseMs: 40 });
      await former.until("segments", () => tieredEndOf(former) > 40);
      // The rest they have yet to put, again and again, when the other cell is there.
      former.cell.objects.service.meddler = ({ what }) =>
        what.startsWith("put of ") ? { kind: "unheard" } : null;
      await former.pass(3_000);
      await former.finished("the load to end", load.stop());
      for (const node of former.nodes) node.pause();
      former.cell.objects.service.meddler = null;
    },
    async after(restored, former) {
      const { objects } = restored.cell;
      const late: string[] = [];
      objects.service.meddler = ({ process, what }) => {
        const isLate = what.startsWith("put of ") && process.name.startsWith("broker-");
        if (isLate) late.push(what);
        return null;
      };
      const { leaderEpoch } = manifestOf(restored)!;
      expect(leaderEpoch).toBeGreaterThan(1_000);
      const load = restored.load({ pauseMs: 200, number: producer });
      await restored.until("writes to be taken", () => load.acknowledged.length > 3);
      for (const node of former.nodes) node.resume();
      await restored.pass(12_000);
      expect(late.some((what) => what.endsWith(".pack"))).toBe(true);
      const { start } = restored.partition().recoveries[0]!;
      await restored.until("the tier to go on", () => tieredEndOf(restored) > start);
      // Whatever they have put meanwhile is not what this one has.
      const lostMs = restored.nowMs;
      loseEveryDisk(restored);
      await restored.until("writes to be taken", () => load.isServedSince(lostMs));
      for (const node of former.nodes) node.kill({ isRestarted: false });
    },
  });
});
