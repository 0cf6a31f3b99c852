import { expect, test } from "vitest";
import { topicPrefix } from "../../../broker/tiering/object-keys.ts";
import { sleepCell } from "../../../metadata/commands/sleep-cell.ts";
import { cellName, type BrokerNode } from "../cell/broker-node.ts";
import { GroupMember } from "../client/group-member.ts";
import { orders, play } from "../stage/play.ts";
import type { Stage } from "../stage/stage.ts";
import { deleteRecords, isOf, isSegmentCall, tiered, tieredEndOf } from "../stage/tier-stage.ts";

// A cell falls asleep, and nothing of it is left but the metadata log and the object store (storage.md, "Sleep, wake, drain to nothing"). Clients go on asking all
// the while: what they are told before and afterwards has to be of one cell.

const config = { ...tiered(), isEphemeral: true };

const isAsleep = ({ cell }: Stage): boolean => cell.truth.image.sleep.state === "asleep";

async function fallAsleep(stage: Stage): Promise<void> {
  await stage.submit((image, context) => sleepCell(image, context));
  await stage.until("the cell to sleep", () => isAsleep(stage));
}

async function stopAll(stage: Stage): Promise<void> {
  await stage.finished("all to stop", Promise.all(stage.nodes.map((node) => node.stop())));
}

async function startAll(stage: Stage, nodes: readonly BrokerNode[] = stage.nodes): Promise<void> {
  await stage.finished("all to serve", Promise.all(nodes.map((node) => node.start())));
}

function wipe({ disk, directory }: BrokerNode): void {
  disk.wipe(directory, { isNewVolume: true });
}

function joinGroup(stage: Stage): GroupMember {
  const member = new GroupMember(stage.cell.addClient("member"), stage.history, {
    group: "readers",
    topics: ["orders"],
    sessionTimeoutMs: 10_000,
    heartbeatMs: 1_000,
    commitMs: 500,
    usesSessions: true,
  });
  member.start();
  return member;
}

test("a cell that slept wakes on empty disks with the same offsets, groups and producers", async () => {
  await play({ config }, async (stage) => {
    const load = stage.load({ pauseMs: 60 });
    const member = joinGroup(stage);
    const commits = (): number[] =>
      stage.history.groupOffsets
        .filter(({ kind, isAcknowledged }) => kind === "committed" && isAcknowledged)
        .map(({ offset }) => offset);
    await stage.until("offsets to be committed", () => Math.max(0, ...commits()) > 20);
    await fallAsleep(stage);
    const { end } = stage.partition().sealed!;
    expect(tieredEndOf(stage)).toBe(end);
    await stopAll(stage);
    for (const node of stage.nodes) wipe(node);
    const { length } = stage.history.groupOffsets;
    await stage.pass(20_000);
    const wokenMs = stage.nowMs;
    await startAll(stage);
    await stage.until("writes to be taken", () => load.isServedSince(wokenMs));
    await stage.until("the group to go on where it was", () =>
      stage.history.groupOffsets
        .slice(length)
        .some(({ kind, offset }) => kind === "committed" && offset > end),
    );
    const { recoveries, sealed } = stage.partition();
    expect({ recoveries, sealed }).toEqual({ recoveries: [], sealed: null });
    // What was on its way when the cell fell asleep is the first to come: nothing lies in between.
    const after = load.acknowledged.filter(({ baseOffset }) => baseOffset >= end);
    expect(Math.min(...after.map(({ baseOffset }) => baseOffset))).toBe(end);
    await stage.finished("the member to leave", member.stop());
  });
});

test("a leader that dies while it seals leaves that to the next one, and the cell sleeps all the same", async () => {
  await play({ config }, async (stage) => {
    const load = stage.load({ pauseMs: 60 });
    await stage.leaderApart();
    await stage.until("segments", () => tieredEndOf(stage) > 10);
    const leader = stage.leader();
    let isSealing = false;
    stage.cell.objects.service.meddler = ({ process, what }) => {
      isSealing ||= isOf(leader, process) && isSegmentCall(what, "put");
      return null;
    };
    await stage.submit((image, context) => sleepCell(image, context));
    await stage.until("it to seal", () => isSealing);
    stage.kill(leader);
    await stage.until("the cell to sleep", () => isAsleep(stage));
    expect(stage.partition().leaderEpoch).toBeGreaterThan(0);
    const end = stage.partition().sealed!.end;
    expect(tieredEndOf(stage)).toBe(end);
    await stopAll(stage);
    const wokenMs = stage.nowMs;
    await startAll(stage);
    await stage.until("writes to be taken", () => load.isServedSince(wokenMs));
    expect(stage.partition().recoveries).toEqual([]);
  });
});

test("a broker that wakes a cell and dies at once costs nothing: another one wakes it", async () => {
  await play({ config }, async (stage) => {
    const load = stage.load({ pauseMs: 60 });
    await stage.until("segments", () => tieredEndOf(stage) > 10);
    await fallAsleep(stage);
    await stopAll(stage);
    for (const node of stage.nodes) wipe(node);
    const [first, ...others] = stage.nodes;
    await startAll(stage, [first!]);
    await stage.until("it to lead", () => stage.partition().leader === stage.idOf(first!));
    stage.kill(first!);
    wipe(first!);
    const wokenMs = stage.nowMs;
    await startAll(stage, others);
    await stage.until("writes to be taken", () => load.isServedSince(wokenMs));
    expect(stage.partition().recoveries).toEqual([]);
  });
});

test("a partition whose records were all deleted before the sleep goes on at its end", async () => {
  await play({ config, topics: [orders({ name: "cleared" })] }, async (stage) => {
    const write = () =>
      stage.answer(stage.probe.produce(stage.leader("cleared"), { topic: "cleared" }));
    for (let count = 0; count < 3; count++) expect((await write()).error).toBe("NONE");
    expect(await stage.answer(deleteRecords(stage, 3, "cleared"))).toBe(3);
    await fallAsleep(stage);
    await stopAll(stage);
    for (const node of stage.nodes) wipe(node);
    await startAll(stage);
    await stage.until("the seal to be broken", () => stage.partition("cleared").sealed === null);
    let answered = await write();
    // The leader hears of its own in-sync set a moment after the log has it.
    for (let tries = 0; tries < 50 && answered.error === "NOT_ENOUGH_REPLICAS"; tries++) {
      await stage.pass(100);
      answered = await write();
    }
    expect(answered).toEqual({ error: "NONE", baseOffset: 3 });
  });
});

test("a topic that is deleted while its cell sleeps is gone when it wakes, and so are its objects", async () => {
  await play({ config }, async (stage) => {
    // One at a time: of two, the first may be sent to the former topic, and the second to the one made anew, where it comes first.
    const load = stage.load({ pauseMs: 300, maxInFlight: 1 });
    await stage.until("segments", () => tieredEndOf(stage) > 10);
    await fallAsleep(stage);
    await stopAll(stage);
    for (const node of stage.nodes) wipe(node);
    const former = topicPrefix(cellName, stage.topicId());
    expect(stage.cell.objects.keys(former).length).toBeGreaterThan(1);
    await stage.deleteTopic("orders");
    await stage.createTopic(orders());
    const wokenMs = stage.nowMs;
    await startAll(stage);
    const partition = `${stage.topicId()}/0`;
    await stage.until("writes to be taken", () => load.isServedSince(wokenMs, partition));
    await stage.until("its objects to be gone", () => stage.cell.objects.keys(former).length === 0);
    expect(tieredEndOf(stage)).toBeGreaterThan(0);
  });
});

test("a disk from before the sleep that comes back when others have woken the cell brings nothing back", async () => {
  await play({ config }, async (stage) => {
    const load = stage.load({ pauseMs: 60 });
    await stage.until("segments", () => tieredEndOf(stage) > 10);
    const late = await stage.leaderApart();
    const formerId = stage.idOf(late);
    await fallAsleep(stage);
    await stopAll(stage);
    const copied = late.disk.copy(late.directory);
    for (const node of stage.nodes) wipe(node);
    const wokenMs = stage.nowMs;
    await startAll(stage);
    await stage.until("writes to be taken", () => load.isServedSince(wokenMs));
    await stage.untilInSync();
    stage.kill(late);
    late.disk.restore(late.directory, copied);
    await stage.finished("it to serve", late.start());
    expect(stage.idOf(late)).toBe(formerId);
    await stage.until("its replicas to be made anew", () => stage.isInSync());
    const backMs = stage.nowMs;
    await stage.until("writes to be taken", () => load.isServedSince(backMs));
    expect(stage.partition().recoveries).toEqual([]);
  });
});
