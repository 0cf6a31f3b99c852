import { expect, test } from "vitest";
import type { BrokerNode } from "../cell/broker-node.ts";
import { orders, play } from "../stage/play.ts";
import { deleteRecords } from "../stage/tier-stage.ts";

// Topics that come, go and come back while they are written to.

test("a topic deleted and made again under load is another topic: nothing of the former one is shown, and its epochs go on", async () => {
  await play({}, async (stage) => {
    const load = stage.load({ pauseMs: 80 });
    await stage.until("something written", () => load.acknowledged.length > 10);
    for (let round = 0; round < 3; round++) {
      const { leaderEpoch } = stage.partition();
      const former = stage.topicId();
      await stage.deleteTopic("orders");
      await stage.createTopic(orders());
      const madeMs = stage.nowMs;
      expect(stage.topicId()).not.toBe(former);
      expect(stage.partition().leaderEpoch).toBeGreaterThan(leaderEpoch);
      await stage.until("writes to be taken", () =>
        load.isServedSince(madeMs, `${stage.topicId()}/0`),
      );
    }
  });
});

test("a broker that was away while a topic was deleted and made again drops what it has of the former one", async () => {
  await play({}, async (stage) => {
    const load = stage.load({ pauseMs: 80 });
    await stage.leaderApart();
    const away = stage.followers().find((node) => node !== stage.controller)!;
    await stage.until("something written", () => load.acknowledged.length > 10);
    const former = stage.topicId();
    stage.kill(away);
    await stage.until("it to be fenced", () => stage.stateOf(away) === "fenced");
    await stage.deleteTopic("orders");
    await stage.createTopic({
      name: "orders",
      configs: { "min.insync.replicas": "2" },
      assignments: [{ index: 0, brokerIds: stage.nodes.map((node) => stage.idOf(node)) }],
    });
    const madeMs = stage.nowMs;
    await stage.until("writes to be taken", () =>
      load.isServedSince(madeMs, `${stage.topicId()}/0`),
    );
    expect(stage.cell.truth.image.purgingTopics.has(former)).toBe(true);
    await stage.finished("it to serve", away.start());
    await stage.untilInSync();
    expect(away.serving!.view!.replica(former, 0)).toBeUndefined();
    await stage.until(
      "nothing to be left of it",
      () => stage.cell.truth.image.purgingTopics.size === 0,
    );
  });
});

test("replicas that move under load take their records with them, and no produce fails", async () => {
  await play({ brokerCount: 4 }, async (stage) => {
    const load = stage.load({ pauseMs: 80 });
    await stage.until("something written", () => load.acknowledged.length > 10);
    const { replicas } = stage.partition();
    const fresh = stage.nodes.find((node) => !replicas.includes(stage.idOf(node))) as BrokerNode;
    const leaving = stage.leader();
    const target = [stage.idOf(fresh), ...replicas.filter((id) => id !== stage.idOf(leaving))];
    await stage.reassign(target);
    await stage.until(
      "the move to be done",
      () => stage.partition().removing.length === 0 && stage.isInSync(),
    );
    expect(stage.partition().replicas).toEqual(target);
    await stage.until(
      "the old leader to be relieved",
      () => stage.isWritable() && stage.leader() !== leaving,
    );
    await stage.pass(1_000);
    expect(load.failures).toEqual([]);
    expect(stage.replica(fresh).logStartOffset).toBe(0);
  });
});

test("a new replica follows a log that begins inside of a batch", async () => {
  await play({ brokerCount: 4 }, async (stage) => {
    const load = stage.load({ pauseMs: 80 });
    await stage.until("something written", () => load.acknowledged.length > 20);
    const { baseOffset } = load.acknowledged.find(({ count }) => count > 1)!;
    const start = baseOffset + 1;
    expect(await stage.answer(deleteRecords(stage, start))).toBe(start);
    const { replicas } = stage.partition();
    const fresh = stage.nodes.find((node) => !replicas.includes(stage.idOf(node))) as BrokerNode;
    await stage.reassign([...replicas.slice(0, 2), stage.idOf(fresh)]);
    await stage.until(
      "the move to be done",
      () => stage.partition().removing.length === 0 && stage.isInSync(),
    );
    expect(stage.replica(fresh).logStartOffset).toBe(start);
    // It is a whole leader, after a crash as well.
    await stage.lead(fresh);
    stage.kill(fresh);
    await stage.finished("it to serve", fresh.start());
    await stage.untilInSync();
    expect(stage.replica(fresh).logStartOffset).toBe(start);
  });
});
