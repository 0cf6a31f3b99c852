import { expect, test } from "vitest";
import { partitionKey } from "../history/history.ts";
import { orders, play, type StagePlan } from "../stage/play.ts";
import type { Stage } from "../stage/stage.ts";
import {
  deleteRecords,
  isOf,
  isSegmentCall,
  manifestOf,
  tiered,
  tieredEndOf,
} from "../stage/tier-stage.ts";

// Compacted topics, whose segments are cleaned and swapped while leaders change and replicas begin anew. That each key has its last value in the end, at the offset it
// was acknowledged at, is checked when a script is over (history/check-compacted.ts).

const keyCount = 8;

const config = { ...tiered(), compaction: { checkMs: 300, mapBytes: 16_384, pauseMs: 500 } };

const compacted = ({ brokerCount = 3, policy = "compact" } = {}): StagePlan => ({
  brokerCount,
  config,
  topics: [
    orders({
      configs: {
        "min.insync.replicas": "2",
        durability: "replicated",
        "cleanup.policy": policy,
        "min.cleanable.dirty.ratio": "0.01",
        "delete.retention.ms": "100",
      },
      keyCount,
    }),
  ],
});

const cleanedTo = (stage: Stage): number => manifestOf(stage)?.cleanedTo ?? 0;

const untilCleaned = (stage: Stage, offset: number): Promise<number> =>
  stage.until(`records up to ${offset} to be compacted`, () => cleanedTo(stage) >= offset);

test("a topic that is compacted under load keeps the last value of each key, and reads on", async () => {
  await play(compacted(), async (stage) => {
    stage.load({ pauseMs: 60, keyCount });
    await untilCleaned(stage, 100);
    // Several runs over what was cleaned before.
    await untilCleaned(stage, cleanedTo(stage) + 100);
    const fetched = await stage.answer(stage.probe.fetch(stage.leader(), { offset: 0 }));
    // Of the first hundred there are few left.
    expect(fetched.records.filter(({ offset }) => offset < 100).length).toBeLessThan(50);
  });
});

test("a leader that is replaced in the middle of a compaction leaves a log that the next one compacts", async () => {
  await play(compacted(), async (stage) => {
    stage.load({ pauseMs: 60, keyCount });
    for (let round = 0; round < 3; round++) {
      const leader = await stage.leaderApart();
      await untilCleaned(stage, cleanedTo(stage) + 30);
      // Segments that it puts for a swap, and never hears of again.
      let puts = 0;
      stage.cell.objects.service.meddler = ({ process, what }) => {
        if (!isOf(leader, process) || !isSegmentCall(what, "put")) return null;
        puts++;
        return puts > 1 ? { kind: "unanswered" } : null;
      };
      await stage.until("it to be in the middle of it", () => puts > 2);
      const resume = stage.pause(leader);
      const { leaderEpoch } = manifestOf(stage)!;
      await stage.until(
        "another leader's claim",
        () => manifestOf(stage)!.leaderEpoch > leaderEpoch,
      );
      stage.cell.objects.service.meddler = null;
      resume();
      await stage.untilInSync();
    }
    await untilCleaned(stage, tieredEndOf(stage));
  });
});

test("records are deleted from the front of what is being compacted: nothing comes back", async () => {
  await play(compacted({ policy: "compact,delete" }), async (stage) => {
    stage.load({ pauseMs: 60, keyCount });
    for (let round = 0; round < 4; round++) {
      await untilCleaned(stage, cleanedTo(stage) + 40);
      const start = Math.floor(tieredEndOf(stage) * 0.7);
      expect(await stage.answer(deleteRecords(stage, start))).toBe(start);
    }
    expect(stage.history.trimmed.has(partitionKey(stage.topicId(), 0))).toBe(true);
  });
});

test("a follower starts from the object store while the leader compacts", async () => {
  await play(compacted({ brokerCount: 4 }), async (stage) => {
    stage.load({ pauseMs: 60, keyCount });
    await untilCleaned(stage, 60);
    for (let round = 0; round < 3; round++) {
      const { replicas } = stage.partition();
      const fresh = stage.nodes.find((node) => !replicas.includes(stage.idOf(node)))!;
      await stage.reassign([...replicas.slice(1), stage.idOf(fresh)]);
      await stage.until(
        "the move to be done",
        () => stage.partition().removing.length === 0 && stage.isInSync(),
      );
      expect(stage.replica(fresh)).toMatchObject({ logStartOffset: 0 });
      expect(stage.replica(fresh).localStartOffset).toBeGreaterThan(0);
      const cleaned = cleanedTo(stage);
      await stage.lead(fresh);
      await untilCleaned(stage, cleaned + 30);
    }
  });
});
