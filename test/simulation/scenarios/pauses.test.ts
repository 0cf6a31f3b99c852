import { expect, test } from "vitest";
import { play } from "../stage/play.ts";

// A process that stood still (SIGSTOP, a frozen host) wakes up believing what was true when it fell asleep. Its timers fire before it reads anything that
// has come meanwhile.

const pastSessionMs = 13_000;

test.each(["", ", the metadata log trimmed meanwhile,"])(
  "a paused leader that wakes past its session%s serves no stale read, and its appends are fenced",
  async (trimmed) => {
    await play({}, async (stage) => {
      const load = stage.load();
      const paused = await stage.leaderApart();
      await stage.pass(2_000);
      const { leaderEpoch } = stage.partition();
      const resume = stage.pause(paused);
      const pausedMs = stage.nowMs;
      await stage.pass(pastSessionMs);
      expect(stage.leader()).not.toBe(paused);
      expect(stage.partition().leaderEpoch).toBe(leaderEpoch + 1);
      await stage.until("others to take writes", () => load.isServedSince(pausedMs));
      if (trimmed !== "") await stage.trimMetadataLog();
      // They wait in its kernel, and are there when it wakes.
      const read = stage.probe.fetch(paused);
      const written = stage.probe.produce(paused, { acks: 1 });
      const committed = stage.probe.produce(paused, { acks: -1 });
      await stage.pass(100);
      resume();
      expect(await stage.answer(read)).toMatchObject({ error: "NOT_LEADER_OR_FOLLOWER" });
      expect(await stage.answer(written)).toMatchObject({ error: "NOT_LEADER_OR_FOLLOWER" });
      expect((await stage.answer(committed)).error).not.toBe("NONE");
      await stage.untilInSync();
      expect(paused.lives).toBe(1);
    });
  },
);

test.each(["", ", the metadata log trimmed meanwhile,"])(
  "a paused controller that wakes past its session%s decides nothing",
  async (trimmed) => {
    await play({}, async (stage) => {
      stage.load();
      const paused = stage.controller;
      const { epoch } = stage.cell.truth.image.controller;
      const resume = stage.pause(paused);
      await stage.pass(pastSessionMs);
      expect(stage.controller).not.toBe(paused);
      expect(stage.cell.truth.image.controller.epoch).toBe(epoch + 1);
      expect(stage.stateOf(paused)).toBe("fenced");
      if (trimmed !== "") await stage.trimMetadataLog();
      const fenced = stage.outOfService();
      resume();
      await stage.until("it to be in service again", () => stage.stateOf(paused) === "active");
      await stage.pass(5_000);
      expect([...fenced].filter((id) => id !== stage.idOf(paused))).toEqual([]);
      expect(stage.cell.truth.image.controller.epoch).toBe(epoch + 1);
    });
  },
);

test("a cell whose brokers all stood still, the controller waking first, goes on as it was: nobody is blamed for silence nobody heard", async () => {
  await play({}, async (stage) => {
    const load = stage.load();
    await stage.pass(1_000);
    const { controller } = stage;
    const office = { ...stage.cell.truth.image.controller };
    const resumes = stage.nodes.map((node) => ({ node, resume: stage.pause(node) }));
    await stage.pass(30_000);
    const wokenMs = stage.nowMs;
    const fenced = stage.outOfService();
    resumes.find(({ node }) => node === controller)!.resume();
    await stage.pass(400);
    for (const { resume } of resumes) resume();
    await stage.until("writes to be taken again", () => load.isServedSince(wokenMs), 10_000);
    await stage.pass(10_000);
    expect(stage.cell.truth.image.controller).toEqual(office);
    expect([...fenced]).toEqual([]);
  });
});

test("a follower that was paused past its session follows again, and is in sync once it has caught up", async () => {
  await play({}, async (stage) => {
    const load = stage.load();
    await stage.leaderApart();
    const paused = stage.followers().find((node) => node !== stage.controller)!;
    const resume = stage.pause(paused);
    const pausedMs = stage.nowMs;
    await stage.until("it to be fenced", () => stage.stateOf(paused) === "fenced", 12_000);
    expect(stage.partition().isr).not.toContain(stage.idOf(paused));
    await stage.until("records to be committed without it", () => load.isServedSince(pausedMs));
    const { highWatermark } = stage.replica(stage.leader());
    resume();
    await stage.untilInSync(15_000);
    expect(stage.replica(paused).logEndOffset).toBeGreaterThanOrEqual(highWatermark);
  });
});
