import { expect, test } from "vitest";
import { play } from "../stage/play.ts";

// DynamoDB and S3 as they are met: an error that says nothing of whether the call was carried out.

test("a fence whose append was carried out and never answered is in the log once, and fails over as fast", async () => {
  await play({}, async (stage) => {
    const load = stage.load();
    const victim = await stage.leaderApart();
    const { controller } = stage;
    const { leaderEpoch } = stage.partition();
    const { service } = stage.cell.metadata;
    let lost = 0;
    service.meddler = ({ process, what }) => {
      if (!what.startsWith("append") || process !== controller.serving?.process || lost >= 2)
        return null;
      lost++;
      return { kind: "unanswered" };
    };
    const killedMs = stage.nowMs;
    stage.kill(victim);
    await stage.until("another to lead", () => stage.isWritable());
    expect(stage.nowMs - killedMs).toBeLessThan(5_000);
    expect(lost).toBeGreaterThan(0);
    expect(stage.partition().leaderEpoch).toBe(leaderEpoch + 1);
    await stage.until("writes to be taken", () => load.isServedSince(killedMs));
  });
});

test("an append that is carried out a second time, long after its writer was told of an error, counts once", async () => {
  await play({}, async (stage) => {
    stage.load();
    const { controller } = stage;
    const { epoch } = stage.cell.truth.image.controller;
    const { service } = stage.cell.metadata;
    let late = 0;
    // Whoever takes over is told that it has failed, and tries again; what it tried first is still under way.
    service.meddler = ({ what }) => {
      if (!what.startsWith("append") || late >= 1) return null;
      late++;
      return { kind: "late", delayMs: 2_500 };
    };
    stage.kill(controller);
    await stage.until("another controller", () => {
      const { brokerId } = stage.cell.truth.image.controller;
      return brokerId !== null && brokerId !== stage.idOf(controller);
    });
    await stage.pass(8_000);
    expect(late).toBe(1);
    expect(stage.cell.truth.image.controller.epoch).toBe(epoch + 1);
    expect(stage.partition().leaderEpoch).toBeLessThanOrEqual(2);
  });
});

test("a registration that was carried out and never answered is one life, not two", async () => {
  await play({}, async (stage) => {
    stage.load();
    const node = await stage.leaderApart();
    const id = stage.idOf(node);
    node.kill();
    await stage.until("it to be fenced", () => stage.stateOf(node) === "fenced" || node.lives > 1);
    const { service } = stage.cell.metadata;
    let lost = 0;
    service.meddler = ({ process, what }) => {
      if (!what.startsWith("append") || !process.name.startsWith(`${node.name}#`) || lost >= 1)
        return null;
      lost++;
      return { kind: "unanswered" };
    };
    const epochs = new Set<number>();
    stage.cell.truth.onEntry(({ image }) => void epochs.add(image.brokers.get(id)!.epoch));
    const { epoch } = stage.cell.truth.image.brokers.get(id)!;
    await stage.finished("its next life", node.start());
    await stage.untilInSync();
    expect(lost).toBe(1);
    epochs.delete(epoch);
    expect(epochs.size).toBe(1);
    expect(stage.idOf(node)).toBe(id);
    expect(node.lives).toBe(2);
  });
});

test("a snapshot and an archive that were stored and never answered leave a log that can be trimmed and a cell that starts from it", async () => {
  await play({}, async (stage) => {
    stage.load();
    let lost = 0;
    const seen = new Set<string>();
    // The first put of each object is carried out and not answered.
    stage.cell.objects.service.meddler = ({ what }) => {
      if (!what.startsWith("put") || seen.has(what)) return null;
      seen.add(what);
      lost++;
      return { kind: "unanswered" };
    };
    await stage.trimMetadataLog({ isTriedAgain: true });
    expect(lost).toBeGreaterThan(3);
    stage.cell.objects.service.meddler = null;
    // Loads the snapshot: there is nothing else any more.
    for (const node of stage.nodes) node.kill();
    await stage.finished("all to serve", Promise.all(stage.nodes.map((node) => node.start())));
    await stage.untilInSync();
    expect(stage.partition().recoveries).toEqual([]);
    const added = stage.cell.addBroker();
    await stage.finished("a new broker to serve", added.start());
    expect(stage.stateOf(added)).toBe("active");
  });
});

test("a snapshot that is stored long after its writer gave up is no step back", async () => {
  await play({}, async (stage) => {
    stage.load();
    let late = 0;
    stage.cell.objects.service.meddler = ({ what }) => {
      if (!what.startsWith("put") || !what.includes("snapshot") || late >= 1) return null;
      late++;
      return { kind: "late", delayMs: 6_000 };
    };
    await stage.trimMetadataLog({ isTriedAgain: true });
    await stage.pass(7_000);
    expect(late).toBe(1);
    for (const node of stage.nodes) node.kill();
    await stage.finished("all to serve", Promise.all(stage.nodes.map((node) => node.start())));
    await stage.untilInSync();
  });
});
