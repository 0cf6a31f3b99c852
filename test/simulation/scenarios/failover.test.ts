import { expect, test } from "vitest";
import { orders, play } from "../stage/play.ts";
import type { Load } from "../stage/load.ts";
import type { Stage } from "../stage/stage.ts";

// Who leads when a broker is gone, and how soon: in simulated time, whatever the machine does.

const partitions = [0, 1, 2];
const manyOrders = [orders({ partitionCount: partitions.length })];

/** How long until they all are; what clients take to find out comes on top of it. */
function untilWritable(stage: Stage): Promise<number> {
  return stage.until("every partition can be written to", () =>
    partitions.every((index) => stage.isWritable("orders", index)),
  );
}

/** Every partition has acknowledged something that was sent since. */
function untilWritten(stage: Stage, load: Load, sinceMs: number): Promise<number> {
  const topicId = stage.topicId();
  return stage.until("every partition is written to", () =>
    partitions.every((index) => load.isServedSince(sinceMs, `${topicId}/${index}`)),
  );
}

test.each(["is not", "is"])(
  "partitions of a killed leader that %s the controller are writable again within 5 s",
  async (is) => {
    await play({ topics: manyOrders }, async (stage) => {
      const load = stage.load({ pauseMs: 30 });
      const victim = is === "is" ? stage.controller : await stage.leaderApart();
      if (is === "is") await stage.lead(victim);
      const { leaderEpoch } = stage.partition();
      const controllerEpoch = stage.cell.truth.image.controller.epoch;
      await stage.pass(1_000);
      const killedMs = stage.nowMs;
      stage.kill(victim);
      await untilWritten(stage, load, killedMs);
      expect(stage.nowMs - killedMs).toBeLessThan(5_000);
      expect(stage.partition().leaderEpoch).toBe(leaderEpoch + 1);
      expect(stage.partition().isr).not.toContain(stage.idOf(victim));
      expect(stage.cell.truth.image.controller.epoch - controllerEpoch).toBe(is === "is" ? 1 : 0);
    });
  },
);

test.each(["is not", "is"])(
  "partitions of a leader that %s the controller are writable again within the session and 2 s after its host is lost",
  async (is) => {
    await play({ topics: manyOrders }, async (stage) => {
      const load = stage.load();
      const victim = is === "is" ? stage.controller : await stage.leaderApart();
      if (is === "is") await stage.lead(victim);
      await stage.pass(1_000);
      const lostMs = stage.nowMs;
      stage.crash(victim);
      expect(await untilWritable(stage)).toBeLessThan(11_000);
      expect(stage.leader()).not.toBe(victim);
      await untilWritten(stage, load, lostMs);
    });
  },
);

test("a broker that is told to stop hands over without one produce that fails, or waits for a second", async () => {
  await play({ topics: manyOrders }, async (stage) => {
    const load = stage.load({ pauseMs: 30 });
    const leaving = await stage.leaderApart();
    await stage.pass(1_000);
    const askedMs = stage.nowMs;
    await stage.finished("the broker to stop", leaving.stop());
    await stage.pass(2_000);
    expect(load.failures).toEqual([]);
    expect(load.longestWaitMs(askedMs, stage.nowMs)).toBeLessThan(1_000);
    const id = stage.idOf(leaving);
    for (const index of partitions) expect(stage.partition("orders", index).isr).not.toContain(id);
  });
});

test("a rolling restart costs no produce", async () => {
  await play({ topics: manyOrders }, async (stage) => {
    const load = stage.load({ pauseMs: 60 });
    await stage.pass(500);
    const fromMs = stage.nowMs;
    for (const node of stage.nodes) {
      await stage.finished(`${node.name} to stop`, node.stop({ isRestarted: true }));
      await stage.until(`${node.name} to serve`, () => node.serving !== null);
      await stage.untilInSync();
    }
    expect(load.failures).toEqual([]);
    expect(load.longestWaitMs(fromMs, stage.nowMs)).toBeLessThan(1_000);
    expect(stage.partition().recoveries).toEqual([]);
  });
});

test("the last replica standing loses what it had not flushed, and one that was eligible leads with all that was acknowledged", async () => {
  await play({}, async (stage) => {
    stage.load();
    await stage.pass(2_000);
    const last = stage.leader();
    const [first, second] = stage.followers();
    stage.kill(first!);
    await stage.until("one to be fenced", () => stage.partition().isr.length === 2);
    stage.kill(second!);
    await stage.until("the leader to be alone", () => stage.partition().isr.length === 1);
    expect(stage.partition().elr).toEqual([stage.idOf(second!)]);
    const before = stage.partition().leaderEpoch;
    stage.crash(last);
    await stage.finished(
      "those killed first to serve",
      Promise.all([first!.start(), second!.start()]),
    );
    await stage.until("a leader", () => ![-1, stage.idOf(last)].includes(stage.partition().leader));
    expect(stage.leader()).toBe(second);
    expect(stage.partition().leaderEpoch).toBeGreaterThan(before);
    expect(stage.partition().recoveries).toEqual([]);
  });
});
