import { describe, expect, test } from "vitest";
import { createManualClock } from "../../../../adapters/memory/clock.ts";
import { bytesOf, dynamoWorld } from "./dynamo-world.ts";

const what = (revisions: number[], left: number[] = []): [number, string][] =>
  [
    ...revisions.map((revision): [number, string] => [revision, String(revision)]),
    ...left.map((revision): [number, string] => [revision, "-"]),
  ].sort(([a], [b]) => a - b);

describe("trimming", () => {
  test("leaves the entries from the revision on, and a small item for each bucket behind it", async () => {
    const world = dynamoWorld();
    const log = await world.filled(10);
    await world.during(log.trim(6));
    expect(world.stored()).toEqual(what([6, 7, 8, 9, 10], [3]));
    await world.during(log.trim(100));
    expect(world.stored()).toEqual(what([10], [3, 7]));
  });

  test("goes upwards entry by entry, whatever is throttled or lost, so that no gap ever opens behind an entry", async () => {
    const world = dynamoWorld({ seed: 3 });
    await world.filled(30);
    const log = world.open({ throttled: 0.2, lost: 0.1, answerLost: 0.1, conflicted: 0.2 });
    const { execute } = world.dynamo.table;
    let changeCount = 0;
    world.dynamo.table.execute = (command) => {
      const output = execute(command);
      const kept = world.stored().filter(([, text]) => text !== "-");
      const revisions = kept.map(([revision]) => revision);
      const lowest = revisions[0] ?? 0;
      expect(revisions).toEqual(Array.from({ length: 31 - lowest }, (_, index) => lowest + index));
      changeCount += 1;
      return output;
    };
    // A call may be unlucky for as long as it is tried; the next trim goes on from there.
    while (
      !(await world.during(
        log
          .trim(25)
          .then(() => true)
          .catch(() => false),
      ))
    );
    expect(changeCount).toBeGreaterThan(24);
    expect(world.stored().filter(([, text]) => text !== "-")).toEqual(
      what([25, 26, 27, 28, 29, 30]),
    );
  });

  test("tells readers before it deletes", async () => {
    const world = dynamoWorld();
    const log = await world.filled(10);
    const reader = world.open();
    const { execute } = world.dynamo.table;
    const told: unknown[] = [];
    world.dynamo.table.execute = (command) => {
      const output = execute(command);
      told.push(world.dynamo.table.itemsOf("c/start").get(0)?.["first"]?.N);
      return output;
    };
    await world.during(log.trim(6));
    expect(told[0]).toBe("6");
    expect(await world.during(reader.read(5, 1))).toBe("trimmed");
  });

  test("that was broken off is finished by the next, whoever does it", async () => {
    const world = dynamoWorld();
    const first = await world.filled(12);
    const trimming = first.trim(10).catch((error: unknown) => error);
    await world.clock.advance(60);
    await first.close();
    expect(await world.during(trimming)).toMatchObject({ code: "closed" });
    const half = world.stored().filter(([, text]) => text !== "-").length;
    expect(half).toBeGreaterThan(3);
    expect(half).toBeLessThan(12);
    await world.during(world.open().trim(5));
    expect(world.stored().filter(([, text]) => text !== "-")).toEqual(what([10, 11, 12]));
  });

  test("by two at a time, to different revisions, ends at the higher", async () => {
    const world = dynamoWorld();
    await world.filled(12);
    const [one, two] = [world.open({ lost: 0.2 }), world.open({ late: 0.2, throttled: 0.2 })];
    await world.during(Promise.all([one.trim(6), two.trim(11)]));
    await world.settle();
    expect(world.stored().filter(([, text]) => text !== "-")).toEqual(what([11, 12]));
    expect(await world.during(one.read(11, 10))).toHaveLength(2);
  });

  test("of an empty log, or below what is gone already, does nothing", async () => {
    const world = dynamoWorld();
    await world.during(world.open().trim(5));
    expect(world.stored()).toEqual([]);
    const log = await world.filled(6);
    await world.during(log.trim(5));
    world.dynamo.sent.clear();
    await world.during(log.trim(3));
    expect(world.dynamo.sent).toEqual(new Map([["UpdateItem", 1]]));
    expect(world.stored()).toEqual(what([5, 6], [3]));
  });

  test("leaves a paused writer nothing to append to, wherever it was paused", async () => {
    for (let pausedAt = 1; pausedAt <= 11; pausedAt++) {
      const world = dynamoWorld();
      const log = await world.filled(12);
      await world.during(log.trim(12));
      const paused = world.open();
      expect(await world.during(paused.append(pausedAt + 1, bytesOf("past")))).toBe("conflict");
      expect(await world.during(paused.append(13, bytesOf("13")))).toBe("accepted");
    }
  });

  test("a log whose client is gone ends in a bounded time", async () => {
    const world = dynamoWorld();
    await world.filled(5);
    const clock = createManualClock();
    const log = world.open(undefined, { clock, client: { send: () => new Promise(() => {}) } });
    const trimmed = log.trim(4).catch((error: unknown) => error);
    await clock.advance(20_000);
    expect(await trimmed).toMatchObject({ code: "unavailable" });
  });
});
