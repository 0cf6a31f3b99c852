import { expect, test } from "vitest";
import { play } from "../stage/play.ts";
import type { Stage } from "../stage/stage.ts";

// When followers hear of the high watermark: with the next records, or a little later.

/** Requests of fetch that followers send to the leader, counted on the wire. */
function countFetches(stage: Stage): () => number {
  const before = stage.wire.heldCount;
  for (const by of stage.followers())
    stage.wire.hold({ api: "fetch", what: "request", by, forMs: 0 });
  return () => stage.wire.heldCount - before;
}

const areTold = (stage: Stage): boolean => {
  const { logEndOffset } = stage.replica(stage.leader());
  return stage.followers().every((node) => stage.replica(node).highWatermark === logEndOffset);
};

test("a record that nothing follows is known to be committed to followers long before their fetch is over", async () => {
  await play({}, async (stage) => {
    await stage.pass(1_000);
    const { error } = await stage.answer(stage.probe.produce(stage.leader()));
    expect(error).toBe("NONE");
    expect(areTold(stage)).toBe(false);
    const tookMs = await stage.until("followers to hear", () => areTold(stage), 200);
    expect(tookMs).toBeLessThan(60);
  });
});

test("of records that follow each other each costs a follower one fetch, and the last one's watermark another", async () => {
  await play({}, async (stage) => {
    await stage.pass(1_000);
    const count = countFetches(stage);
    for (let produced = 0; produced < 50; produced++) {
      const { error } = await stage.answer(stage.probe.produce(stage.leader()));
      expect(error).toBe("NONE");
    }
    await stage.until("followers to hear", () => areTold(stage), 200);
    // Two followers. Where answers were late, a watermark of its own is in between.
    expect(count()).toBeGreaterThanOrEqual(100);
    expect(count()).toBeLessThan(150);
  });
});
