import { expect, test } from "vitest";
import { orders, play } from "../stage/play.ts";
import type { Stage } from "../stage/stage.ts";
import type { BrokerNode } from "../cell/broker-node.ts";

// Who may be counted: proposals that arrive late, about brokers that are no longer what they were.

/** A follower beside the controller, which the leader has dropped for its silence. */
async function droppedFollower(stage: Stage): Promise<{
  readonly leader: BrokerNode;
  readonly follower: BrokerNode;
  readonly mend: () => void;
}> {
  const leader = await stage.leaderApart();
  const follower = stage.followers().find((node) => node !== stage.controller)!;
  const mend = stage.cut(leader.host, follower.host);
  await stage.until("it to be dropped", () => stage.partition().isr.length === 2, 14_000);
  return { leader, follower, mend };
}

test("a proposal to add a follower that arrives when its host has crashed since is refused: it may lack what the leader saw it hold", async () => {
  await play({}, async (stage) => {
    stage.load();
    const { leader, follower, mend } = await droppedFollower(stage);
    const id = stage.idOf(follower);
    stage.wire.hold({ api: "alterPartition", what: "request", by: leader, forMs: 6_000 });
    mend();
    await stage.until("the leader to propose it", () => stage.wire.heldCount > 0);
    stage.wire.letGo();
    const proposedMs = stage.nowMs;
    follower.host.crash();
    follower.host.boot();
    const { epoch } = stage.cell.truth.image.brokers.get(id)!;
    await stage.until(
      "it to be registered anew",
      () => stage.cell.truth.image.brokers.get(id)!.epoch > epoch,
      5_000,
    );
    expect(stage.nowMs - proposedMs).toBeLessThan(5_900);
    // Cut off again, so that nothing but the proposal on its way could bring it in.
    const cut = stage.cut(leader.host, follower.host);
    await stage.pass(proposedMs + 6_500 - stage.nowMs);
    expect(stage.partition().isr).not.toContain(id);
    cut();
    await stage.untilInSync();
  });
});

test("a leader waits for a follower it has proposed while the answer that it is in sync is on its way, and when it never comes", async () => {
  await play({}, async (stage) => {
    const load = stage.load();
    const { leader, follower, mend } = await droppedFollower(stage);
    stage.wire.hold({ api: "alterPartition", what: "answer", by: leader, forMs: 15_000 });
    mend();
    // The leader is to hear of its success from nobody: neither the answer, nor the log.
    await stage.until(
      "the leader to propose it",
      () => stage.replica(leader).maximalIsr.length === 3,
    );
    stage.cutFromLog(leader);
    await stage.until("the log to have it", () => stage.isInSync());
    const cut = stage.cutOneWay(follower.host, leader.host);
    await stage.pass(1_000);
    const cutMs = stage.nowMs;
    // Past the time the leader waits for an answer, and asks again.
    await stage.pass(10_500);
    expect(stage.partition().isr).toContain(stage.idOf(follower));
    expect(stage.replica(leader).isr).not.toContain(stage.idOf(follower));
    expect(load.isServedSince(cutMs)).toBe(false);
    cut();
    await stage.until("writes to be taken", () => load.isServedSince(cutMs));
  });
});

test("a draining broker that has left the in-sync set and goes on fetching is not taken back", async () => {
  await play({ brokerCount: 4, topics: [] }, async (stage) => {
    // The two that are cut from each other are not in office: they would be fenced.
    const leader = stage.controller;
    const [draining, third, late] = stage.others(leader) as [BrokerNode, BrokerNode, BrokerNode];
    const ids = (...nodes: BrokerNode[]): number[] => nodes.map((node) => stage.idOf(node));
    const configs = { "min.insync.replicas": "2" };
    await stage.createTopic({
      name: "orders",
      configs,
      assignments: [{ index: 0, brokerIds: ids(leader, draining, third) }],
    });
    // What keeps it: one that could relieve it here and is not in sync.
    await stage.createTopic({
      name: "held",
      configs,
      assignments: [{ index: 0, brokerIds: ids(third, draining, late) }],
    });
    const load = stage.load();
    await stage.untilInSync();
    stage.cut(late.host, third.host);
    // Nothing is written there; a batch it does not have is what it lacks.
    expect(
      await stage.answer(stage.probe.produce(third, { topic: "held", acks: 1 })),
    ).toMatchObject({
      error: "NONE",
    });
    await stage.until("one to be out of sync", () => !stage.isInSync("held"), 14_000);
    const [id] = ids(draining);
    const stopped = draining.stop();
    await stage.until("it to leave", () => !stage.partition().isr.includes(id!), 5_000);
    const wasBack: number[] = [];
    stage.cell.truth.onEntry(() => {
      if (stage.partition().isr.includes(id!)) wasBack.push(stage.nowMs);
    });
    const fromMs = stage.nowMs;
    await stage.pass(6_000);
    expect(stage.stateOf(draining)).toBe("draining");
    expect(stage.partition("held").isr).toContain(id);
    expect(load.isServedSince(fromMs)).toBe(true);
    const { highWatermark } = stage.replica(leader);
    expect(stage.replica(draining).logEndOffset).toBeGreaterThan(highWatermark - 10);
    draining.kill();
    await stage.finished("its end", stopped);
    expect(wasBack).toEqual([]);
  });
});

test("when min.insync.replicas is lowered, whoever was eligible is so no longer: it lacks what is acknowledged from then on", async () => {
  await play({}, async (stage) => {
    const load = stage.load();
    const leader = await stage.leaderApart();
    const [one, other] = stage.followers() as [BrokerNode, BrokerNode];
    stage.kill(one);
    await stage.until("one to be out", () => stage.partition().isr.length === 2);
    stage.kill(other);
    await stage.until("the leader to be alone", () => stage.partition().isr.length === 1);
    expect(stage.partition().elr).toEqual([stage.idOf(other)]);
    await stage.configure("min.insync.replicas", "1");
    expect(stage.partition().elr).toEqual([]);
    const loweredMs = stage.nowMs;
    await stage.until("writes to be taken by one", () => load.isServedSince(loweredMs));
    await stage.pass(500);
    stage.kill(leader);
    await stage.finished("the one that was eligible to serve", other.start());
    await stage.pass(15_000);
    expect(stage.stateOf(other)).toBe("active");
    expect(stage.partition().leader).toBe(-1);
    await stage.finished("the last leader to serve", leader.start());
    await stage.until("it to lead", () => stage.leader() === leader);
    await stage.finished("all to serve", one.start());
  });
});

test("a broker that restarts inside the session time counts only for what its new life has written", async () => {
  await play({}, async (stage) => {
    const load = stage.load({ pauseMs: 80 });
    const leader = await stage.leaderApart();
    const follower = stage.followers().find((node) => node !== stage.controller)!;
    const id = stage.idOf(follower);
    await stage.pass(1_000);
    const end = stage.replica(follower).logEndOffset;
    follower.host.crash();
    follower.host.boot();
    const bootedMs = stage.nowMs;
    // What it had not flushed is gone, and it says so itself.
    const { epoch } = stage.cell.truth.image.brokers.get(id)!;
    let isOut = false;
    stage.cell.truth.onEntry(({ image }) => {
      const isNew = image.brokers.get(id)!.epoch > epoch;
      if (isNew) isOut ||= !stage.partition().isr.includes(id);
    });
    await stage.until("its new life", () => stage.cell.truth.image.brokers.get(id)!.epoch > epoch);
    expect(stage.nowMs - bootedMs).toBeLessThan(8_000);
    expect(isOut).toBe(true);
    await stage.untilInSync();
    expect(stage.leader()).toBe(leader);
    expect(stage.replica(follower).logEndOffset).toBeGreaterThanOrEqual(end);
    expect(load.failures).toEqual([]);
  });
});

test("a leader that restarts inside the session time gives up its term, whoever leads then", async () => {
  await play(
    { topics: [orders({ configs: { "min.insync.replicas": "2", durability: "fsync" } })] },
    async (stage) => {
      stage.load({ pauseMs: 80 });
      const leader = await stage.leaderApart();
      const { leaderEpoch } = stage.partition();
      leader.host.crash();
      leader.host.boot();
      await stage.until("the next term", () => stage.partition().leaderEpoch > leaderEpoch, 8_000);
      await stage.until("writes to be possible", () => stage.isWritable());
      // Flushed before it was acknowledged: it kept all, and stays a member.
      expect(stage.partition().recoveries).toEqual([]);
      await stage.untilInSync();
    },
  );
});
