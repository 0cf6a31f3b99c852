import { expect, test } from "vitest";
import { orders, play } from "../stage/play.ts";

// Brokers that live and cannot reach each other, the controller, or the metadata log.

test("a follower that hears its leader and is not heard by it leaves the in-sync set, and nothing waits for it any longer", async () => {
  await play({}, async (stage) => {
    const load = stage.load();
    const leader = await stage.leaderApart();
    const follower = stage.followers().find((node) => node !== stage.controller)!;
    const mend = stage.cutOneWay(follower.host, leader.host);
    const cutMs = stage.nowMs;
    await stage.until("the leader to go on without it", () => load.isServedSince(cutMs), 14_000);
    expect(stage.partition().isr).not.toContain(stage.idOf(follower));
    expect(stage.stateOf(follower)).toBe("active");
    expect(stage.leader()).toBe(leader);
    mend();
    await stage.untilInSync(60_000);
  });
});

test("a leader that is heard by its followers and does not hear them steps aside for no one, and loses nothing", async () => {
  await play({}, async (stage) => {
    stage.load();
    const leader = await stage.leaderApart();
    const mends = stage.followers().map((node) => stage.cutOneWay(node.host, leader.host));
    await stage.pass(20_000);
    // Cut off from the controller too, it hears nothing that was said to it: others lead.
    expect(stage.leader()).not.toBe(leader);
    expect(stage.stateOf(leader)).toBe("fenced");
    for (const mend of mends) mend();
    await stage.untilInSync(60_000);
  });
});

test("brokers that do not hear each other but both hear the controller and the log: the leader goes on without the follower, and nobody is fenced", async () => {
  await play({}, async (stage) => {
    const load = stage.load();
    const leader = await stage.leaderApart();
    const follower = stage.followers().find((node) => node !== stage.controller)!;
    const office = { ...stage.cell.truth.image.controller };
    stage.cut(leader.host, follower.host);
    const cutMs = stage.nowMs;
    const fenced = stage.outOfService();
    await stage.until("the leader to go on without it", () => load.isServedSince(cutMs), 14_000);
    await stage.pass(20_000);
    expect([...fenced]).toEqual([]);
    expect(stage.cell.truth.image.controller).toEqual(office);
    expect(stage.partition()).toMatchObject({ leader: stage.idOf(leader), elr: [] });
  });
});

test("a broker that does not hear the controller, which the third one hears, is fenced and takes nothing over", async () => {
  await play({}, async (stage) => {
    const load = stage.load();
    const cutOff = await stage.leaderApart();
    const office = { ...stage.cell.truth.image.controller };
    stage.cut(cutOff.host, stage.controller.host);
    const cutMs = stage.nowMs;
    await stage.until(
      "another to lead",
      () => stage.isWritable() && stage.leader() !== cutOff,
      11_000,
    );
    await stage.until("writes to be taken", () => load.isServedSince(cutMs));
    await stage.pass(30_000);
    expect(stage.cell.truth.image.controller).toEqual(office);
    expect(stage.stateOf(cutOff)).toBe("fenced");
  });
});

test("two brokers alone that do not hear each other but both reach the log: the controller goes on alone, and the office never changes hands", async () => {
  const topics = [orders({ replicationFactor: 2, configs: { "min.insync.replicas": "1" } })];
  await play({ brokerCount: 2, topics }, async (stage) => {
    const load = stage.load();
    const { controller } = stage;
    const office = { ...stage.cell.truth.image.controller };
    const [one, other] = stage.nodes;
    stage.cut(one!.host, other!.host);
    const cutMs = stage.nowMs;
    await stage.until("the controller to go on alone", () => load.isServedSince(cutMs), 14_000);
    await stage.pass(90_000);
    expect(stage.cell.truth.image.controller).toEqual(office);
    expect(stage.leader()).toBe(controller);
  });
});

test("a broker that hears no other but reads the log takes nothing over, however long, and nobody but it is ever fenced", async () => {
  await play({}, async (stage) => {
    stage.load();
    const lonely = await stage.leaderApart();
    const office = { ...stage.cell.truth.image.controller };
    const fenced = stage.outOfService();
    stage.cutFromBrokers(lonely);
    await stage.until("another leader", () => stage.leader() !== lonely, 11_000);
    const { leaderEpoch } = stage.partition();
    await stage.pass(120_000);
    expect(stage.cell.truth.image.controller).toEqual(office);
    expect([...fenced]).toEqual([stage.idOf(lonely)]);
    expect(stage.partition()).toMatchObject({ leaderEpoch });
  });
});

test("a controller that hears no other but reads the log is replaced once, and does not come back to its office while that lasts", async () => {
  await play({}, async (stage) => {
    stage.load();
    const lonely = stage.controller;
    const { epoch } = stage.cell.truth.image.controller;
    const fenced = stage.outOfService();
    stage.cutFromBrokers(lonely);
    await stage.until("another controller", () => stage.controller !== lonely, 12_500);
    await stage.pass(120_000);
    expect(stage.cell.truth.image.controller.epoch).toBe(epoch + 1);
    expect([...fenced]).toEqual([stage.idOf(lonely)]);
  });
});

test("three brokers none of which hears another but all of which read the log stay in service, and their controller in office", async () => {
  await play({}, async (stage) => {
    stage.load();
    const office = { ...stage.cell.truth.image.controller };
    const fenced = stage.outOfService();
    for (const node of stage.nodes) stage.cutFromBrokers(node);
    await stage.pass(120_000);
    expect(stage.cell.truth.image.controller).toEqual(office);
    expect([...fenced]).toEqual([]);
  });
});

test("while nobody reaches the metadata log leaders serve, and when it is back nothing has changed hands", async () => {
  await play({}, async (stage) => {
    const load = stage.load();
    const single = stage.load({ acks: 1 });
    await stage.pass(1_000);
    const before = stage.partition();
    const office = { ...stage.cell.truth.image.controller };
    const end = stage.logOutage();
    const fromMs = stage.nowMs;
    await stage.pass(30_000);
    for (const each of [load, single]) {
      expect(each.failures).toEqual([]);
      expect(each.longestWaitMs(fromMs, stage.nowMs)).toBeLessThan(1_000);
    }
    const { error, records } = await stage.answer(stage.probe.fetch(stage.leader()));
    expect(error).toBe("NONE");
    expect(records.length).toBeGreaterThan(0);
    end();
    await stage.pass(15_000);
    expect(stage.partition()).toEqual(before);
    expect(stage.cell.truth.image.controller).toEqual(office);
  });
});

test("a controller that alone does not reach the log is relieved by one that does, and no longer answers consumers", async () => {
  await play({}, async (stage) => {
    const load = stage.load();
    const cutOff = stage.controller;
    await stage.lead(cutOff);
    const { epoch } = stage.cell.truth.image.controller;
    const mend = stage.cutFromLog(cutOff);
    await stage.until("another controller", () => stage.controller !== cutOff, 20_000);
    expect(stage.cell.truth.image.controller.epoch).toBe(epoch + 1);
    const relievedMs = stage.nowMs;
    await stage.until(
      "another leader",
      () => stage.isWritable() && stage.leader() !== cutOff,
      1_000,
    );
    expect(await stage.answer(stage.probe.fetch(cutOff))).toMatchObject({
      error: "NOT_LEADER_OR_FOLLOWER",
    });
    await stage.until("writes to be taken", () => load.isServedSince(relievedMs));
    mend();
    await stage.until("it to be in service", () => stage.stateOf(cutOff) === "active", 30_000);
  });
});

test("a follower that has heard neither the log nor the controller for a session gives consumers of its zone nothing", async () => {
  await play({}, async (stage) => {
    const load = stage.load();
    await stage.leaderApart();
    const follower = stage.followers().find((node) => node !== stage.controller)!;
    const rack = follower.host.zone;
    await stage.until("something committed", () => load.acknowledged.length > 5);
    await stage.pass(1_500);
    const fresh = await stage.answer(stage.probe.fetch(follower, { rack }));
    expect(fresh.error).toBe("NONE");
    expect(fresh.records.length).toBeGreaterThan(0);
    stage.cutFromBrokers(follower);
    stage.cutFromLog(follower);
    await stage.pass(9_500);
    expect(await stage.answer(stage.probe.fetch(follower, { rack }))).toMatchObject({
      error: "NOT_LEADER_OR_FOLLOWER",
      records: [],
    });
  });
});

test("a leader cut off from brokers and log, but not from clients, acknowledges nothing and shows nothing once it may have been replaced", async () => {
  await play({}, async (stage) => {
    stage.load();
    const leader = await stage.leaderApart();
    await stage.pass(1_000);
    stage.cutFromBrokers(leader);
    stage.cutFromLog(leader);
    const cutMs = stage.nowMs;
    const committed = stage.probe.produce(leader);
    await stage.until(
      "another to lead",
      () => stage.isWritable() && stage.leader() !== leader,
      11_000,
    );
    // From the moment another may lead, and not a moment later.
    const read = await stage.answer(stage.probe.fetch(leader));
    expect(stage.nowMs - cutMs).toBeLessThan(11_000);
    expect(read).toMatchObject({ error: "NOT_LEADER_OR_FOLLOWER" });
    expect(await stage.answer(stage.probe.produce(leader, { acks: 1 }))).toMatchObject({
      error: "NOT_LEADER_OR_FOLLOWER",
    });
    expect((await stage.answer(committed)).error).not.toBe("NONE");
  });
});
