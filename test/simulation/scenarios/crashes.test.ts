import { expect, test } from "vitest";
import type { BrokerNode } from "../cell/broker-node.ts";
import { orders, play } from "../stage/play.ts";
import type { Stage } from "../stage/stage.ts";

// Processes that end and hosts that lose power, several at once, and what their disks kept.

const flushed = orders({ configs: { "min.insync.replicas": "2", durability: "fsync" } });

async function allServe(stage: Stage): Promise<void> {
  await stage.finished("all to serve", Promise.all(stage.nodes.map((node) => node.start())));
  await stage.until("a leader", () => stage.isWritable());
}

test("all members killed at once lose nothing: what was written survives processes, flushed or not", async () => {
  await play({}, async (stage) => {
    const load = stage.load();
    await stage.pass(3_000);
    const { isr } = stage.partition();
    for (const node of stage.nodes) node.kill();
    const killedMs = stage.nowMs;
    await allServe(stage);
    expect(stage.partition().recoveries).toEqual([]);
    expect(isr).toContain(stage.partition().leader);
    await stage.until("writes to be taken", () => load.isServedSince(killedMs));
    expect(stage.nowMs - killedMs).toBeLessThan(20_000);
  });
});

test("all hosts that lose power at once cost what was not flushed, and no offset ever means two records", async () => {
  await play({}, async (stage) => {
    const load = stage.load({ pauseMs: 60 });
    await stage.pass(3_000);
    const { highWatermark } = stage.replica(stage.leader());
    for (const { host } of stage.nodes) host.crash();
    const crashedMs = stage.nowMs;
    for (const { host } of stage.nodes) host.boot();
    await allServe(stage);
    await stage.until("writes to be taken", () => load.isServedSince(crashedMs));
    const { recoveries, leaderEpoch } = stage.partition();
    expect(recoveries).toHaveLength(1);
    expect(recoveries[0]!.end).toBeLessThanOrEqual(highWatermark);
    expect(recoveries[0]!.start).toBeGreaterThanOrEqual(recoveries[0]!.end + 2 ** 40);
    expect(recoveries[0]!.epoch).toBe(leaderEpoch);
    const first = load.acknowledged.find(({ sentMs }) => sentMs >= crashedMs)!;
    expect(first.baseOffset).toBeGreaterThan(recoveries[0]!.start);
  });
});

test("all hosts that lose power at once cost a flushed topic nothing, and it goes on without a gap", async () => {
  await play({ topics: [flushed] }, async (stage) => {
    const load = stage.load({ pauseMs: 60 });
    await stage.pass(3_000);
    for (const { host } of stage.nodes) host.crash();
    const crashedMs = stage.nowMs;
    for (const { host } of stage.nodes) host.boot();
    await allServe(stage);
    await stage.until("writes to be taken", () => load.isServedSince(crashedMs));
    expect(stage.partition().recoveries).toEqual([]);
  });
});

test.each([
  ["at once, before its log says so,", 0, false],
  ["once its log says so", 3_000, true],
] as const)(
  "a leader whose topic is told to flush and whose host crashes %s has its membership by what its log says, and nothing acknowledged before is lost",
  async (_, afterMs, isKept) => {
    // Two replicas that must both have it: whoever is fenced goes to the eligible ones, and stays until it registers.
    const configs = { "min.insync.replicas": "2", durability: "replicated" };
    const topics = [orders({ replicationFactor: 2, configs })];
    await play({ topics }, async (stage) => {
      const load = stage.load({ pauseMs: 60 });
      await stage.pass(3_000);
      const node = await stage.leaderApart();
      await stage.until("more to be written", () => load.isServedSince(stage.nowMs - 100));
      const id = stage.idOf(node);
      const { brokers } = stage.cell.truth.image;
      const { epoch } = brokers.get(id)!;
      await stage.configure("durability", "fsync");
      await stage.until("the leader to hear", () => stage.replica(node).durability === "fsync");
      await stage.pass(afterMs);
      node.host.crash();
      const crashedMs = stage.nowMs;
      node.host.boot();
      await stage.until("it to register", () => brokers.get(id)!.epoch > epoch);
      const { isr, elr, lastIsr } = stage.partition();
      expect([...isr, ...elr].includes(id)).toBe(isKept);
      expect(lastIsr).toContain(id);
      await stage.until("writes to be taken", () => load.isServedSince(crashedMs));
      expect(stage.partition().recoveries).toEqual([]);
      await stage.untilInSync();
    });
  },
);

test("after a loss of power nobody is elected before every member has told what it has left, and the one that has most leads", async () => {
  await play({}, async (stage) => {
    stage.load();
    await stage.pass(3_000);
    for (const { host } of stage.nodes) host.crash();
    const [one, two, three] = stage.nodes as [BrokerNode, BrokerNode, BrokerNode];
    const { brokers } = stage.cell.truth.image;
    const { epoch } = brokers.get(stage.idOf(three))!;
    for (const { host } of stage.nodes) host.boot();
    // Registered, so that it is no member any more, and gone again before its first heartbeat.
    await stage.until("it to register", () => brokers.get(stage.idOf(three))!.epoch > epoch);
    three.host.crash();
    await stage.until("two to serve", () => two.serving !== null && one.serving !== null);
    await stage.pass(15_000);
    expect(stage.partition()).toMatchObject({ leader: -1, isr: [], elr: [], recoveries: [] });
    three.host.boot();
    await stage.until("a leader", () => stage.partition().leader !== -1);
    expect(stage.partition().recoveries).toHaveLength(1);
  });
});

test("a replica that returns after an unclean election gives up what it alone had, for its offsets belong to nobody", async () => {
  await play({ topics: [orders({ configs: { "min.insync.replicas": "1" } })] }, async (stage) => {
    // One at a time: a broker that has lost what it knew of a producer takes whichever of several batches comes first (KIP-360).
    const load = stage.load({ maxInFlight: 1 });
    const late = await stage.leaderApart();
    await stage.pass(2_000);
    const [one, other] = stage.followers() as [BrokerNode, BrokerNode];
    const shared = stage.replica(late).highWatermark;
    stage.kill(one);
    stage.kill(other);
    await stage.until("the leader to be alone", () => stage.partition().isr.length === 1, 15_000);
    const aloneMs = stage.nowMs;
    await stage.until("writes to be taken by one", () => load.isServedSince(aloneMs));
    await stage.pass(1_000);
    const { logEndOffset } = stage.replica(late);
    stage.kill(late);
    await stage.finished("others to serve", Promise.all([one.start(), other.start()]));
    await stage.pass(10_000);
    expect(stage.partition().leader).toBe(-1);
    await stage.configure("unclean.leader.election.enable", "true");
    await stage.until("an unclean leader", () => stage.partition().leader !== -1);
    const electedMs = stage.nowMs;
    await stage.until("writes to be taken", () => load.isServedSince(electedMs));
    const [recovery] = stage.partition().recoveries;
    expect(recovery!.end).toBeLessThan(logEndOffset);
    // What the others had, they keep.
    expect(recovery!.end).toBeGreaterThanOrEqual(shared);
    await stage.finished("the late one to serve", late.start());
    await stage.untilInSync();
    const { logEndOffset: leaderEnd } = stage.replica(stage.leader());
    expect(stage.replica(late).logEndOffset).toBeGreaterThan(recovery!.start);
    expect(stage.replica(late).logEndOffset).toBeLessThanOrEqual(leaderEnd);
    // Nothing of what it alone had is left: a consumer of its zone is taken across the gap.
    await stage.until("it to be told", () => stage.replica(late).highWatermark > recovery!.start);
    const at = { offset: recovery!.end, rack: late.host.zone };
    const own = await stage.answer(stage.probe.fetch(late, at));
    expect(own.error).toBe("NONE");
    expect(own.records.filter(({ offset }) => offset < recovery!.start)).toEqual([]);
  });
});

test("a leader whose host crashes before its term is on its disk starts no second term under the same epoch", async () => {
  await play({ topics: [flushed] }, async (stage) => {
    const first = stage.leader();
    stage.kill(first);
    await stage.until("another to lead", () => stage.isWritable() && stage.leader() !== first);
    // Nothing was appended: of the term itself nothing need be on the disk.
    const second = stage.leader();
    const { leaderEpoch } = stage.partition();
    second.host.crash();
    second.host.boot();
    await stage.until("the next term", () => stage.partition().leaderEpoch > leaderEpoch);
    await stage.finished("all to serve", first.start());
    await stage.until("a leader", () => stage.isWritable());
    const load = stage.load();
    await stage.until("writes to be taken", () => load.acknowledged.length > 3);
    expect(stage.partition().recoveries).toEqual([]);
    await stage.untilInSync();
  });
});

test("a follower that wrote under a term it then forgot is cut where its new leader's log leaves it", async () => {
  await play({}, async (stage) => {
    stage.load({ pauseMs: 60 });
    const old = await stage.leaderApart();
    await stage.pass(1_000);
    // Appends of its last moments reach nobody.
    const mend = stage.cutFromBrokers(old);
    const alone = await stage.answer(stage.probe.produce(old, { acks: 1 }));
    expect(alone.error).toBe("NONE");
    stage.kill(old);
    await stage.until(
      "another to lead",
      () => stage.isWritable() && stage.leader() !== old,
      12_000,
    );
    const offset = alone.baseOffset;
    await stage.until(
      "it to be further",
      () => stage.replica(stage.leader()).highWatermark > offset + 5,
    );
    mend();
    await stage.finished("it to serve", old.start());
    await stage.untilInSync();
    await stage.until("all to be told", () => stage.replica(old).highWatermark > offset);
    // What a consumer of its zone is given there is what the leader has.
    const rack = old.host.zone;
    const own = await stage.answer(stage.probe.fetch(old, { offset, rack }));
    const led = await stage.answer(stage.probe.fetch(stage.leader(), { offset }));
    expect(own.records[0]).toEqual(led.records[0]);
  });
});

const alone = {
  brokerCount: 1,
  topics: [orders({ replicationFactor: 1, configs: { durability: "fsync" } })],
};

test.each([
  ["are torn in the middle of the last write", { "disk.torn": 1 }],
  ["keep some pages of what was not flushed and lose others before them", { "disk.reordered": 1 }],
  [
    "lose or keep it, each file as it comes",
    { "disk.torn": 0.3, "disk.reordered": 0.3, "disk.kept": 0.3 },
  ],
])(
  "files that %s cost nothing that was flushed, and show nothing that was not written",
  async (_, faults) => {
    await play({ ...alone, faults }, async (stage) => {
      const load = stage.load({ pauseMs: 15 });
      const loose = stage.load({ pauseMs: 15, acks: 1 });
      const [{ host }] = stage.nodes as [BrokerNode];
      for (let round = 0; round < 4; round++) {
        await stage.pass(1_000);
        const crashedMs = stage.nowMs;
        host.crash();
        host.boot();
        await stage.until(
          "writes to be taken",
          () => load.isServedSince(crashedMs) && loose.isServedSince(crashedMs),
        );
      }
      expect(stage.partition().recoveries).toEqual([]);
      expect(stage.nodes[0]!.lives).toBe(5);
    });
  },
);

test("a file used again holds ghosts of its last life, and a crash brings none of them back", async () => {
  const configs = { "retention.bytes": "60000", durability: "fsync" };
  const topics = [orders({ replicationFactor: 1, configs })];
  const config = {
    retentionCheckMs: 1_000,
    log: {
      ringBytes: 65_536,
      chunkBytes: 16_384,
      fileBytes: 32_768,
      poolFiles: 2,
      minFreeBytes: 0,
    },
  };
  await play({ brokerCount: 1, topics, config, faults: { "disk.kept": 0.5 } }, async (stage) => {
    stage.history.trimmed.add(`${stage.topicId()}/0`);
    const load = stage.load({ pauseMs: 40, maxFillBytes: 2_000 });
    const [{ host, disk }] = stage.nodes as [BrokerNode];
    const recycled = new Set<string>();
    for (let round = 0; round < 4; round++) {
      await stage.pass(1_500);
      for (const path of disk.files.keys()) if (path.includes("spare")) recycled.add(path);
      const crashedMs = stage.nowMs;
      if (round % 2 === 0) stage.nodes[0]!.kill();
      else {
        host.crash();
        host.boot();
      }
      await stage.until("writes to be taken", () => load.isServedSince(crashedMs));
    }
    expect(stage.replica(stage.nodes[0]!).logStartOffset).toBeGreaterThan(0);
    expect(recycled.size).toBeGreaterThan(0);
  });
});
