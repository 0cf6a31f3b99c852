import { expect, test } from "vitest";
import { createWorld } from "./world.ts";

test("all microtasks of an event run before the next event", async () => {
  const world = createWorld({ seed: 1 });
  const seen: string[] = [];
  for (const name of ["first", "second"]) {
    world.schedule(1, "task", () => {
      seen.push(name);
      void (async () => {
        for (let turn = 0; turn < 50; turn++) await Promise.resolve();
        seen.push(`after ${name}`);
      })();
    });
  }
  await world.run();
  expect(seen).toEqual(["first", "after first", "second", "after second"]);
});

test("time is that of the event, and of the limit when nothing is left", async () => {
  const world = createWorld({ seed: 1 });
  const seen: number[] = [];
  world.schedule(5, "task", () => {
    seen.push(world.nowMs);
    world.schedule(5, "task", () => seen.push(world.nowMs));
  });
  await world.run({ untilMs: 7 });
  expect(seen).toEqual([5]);
  expect(world.nowMs).toBe(7);
  await world.run({ untilMs: 100 });
  expect(seen).toEqual([5, 10]);
});

test("events of one moment happen in the order they were scheduled in, however often the moment is computed", async () => {
  const world = createWorld({ seed: 1 });
  const order: number[] = [];
  const atMs = 0.1 + 0.2;
  for (let count = 0; count < 100; count++) {
    world.schedule(count * 0.001, "task", () => {
      world.scheduleAt(atMs, "task", () => order.push(count));
    });
  }
  await world.run();
  expect(order).toEqual(Array.from({ length: 100 }, (_, count) => count));
});

test("a run stops at its number of events, and goes on from there", async () => {
  const world = createWorld({ seed: 1 });
  let ran = 0;
  for (let count = 0; count < 1_000; count++) world.schedule(count, "task", () => ran++);
  await world.run({ maxEvents: 300 });
  expect([ran, world.eventCount]).toEqual([300, 300]);
  await world.run({ until: () => ran === 700 });
  expect(ran).toBe(700);
  await world.run();
  expect(ran).toBe(1_000);
});

test("checks run after every event, and the first violation ends the run", async () => {
  const world = createWorld({ seed: 1 });
  let state = 0;
  for (let count = 0; count < 10; count++) world.schedule(count, "task", () => state++);
  world.afterEvent(() => {
    if (state >= 4) world.fail(`state is ${state}`);
    if (state >= 4) world.fail("and something else");
  });
  await expect(world.run()).rejects.toThrow("at 3.000 ms, event 4: state is 4");
  expect(state).toBe(4);
});

test("a rejection that nobody handles ends the run", async () => {
  const world = createWorld({ seed: 1 });
  world.schedule(1, "task", () => {
    void Promise.reject(new Error("forgotten"));
  });
  world.schedule(2, "task", () => undefined);
  world.schedule(3, "task", () => undefined);
  await expect(world.run()).rejects.toThrow(/nobody handles.*forgotten/);
});

test("settling waits for what is simulated, and says so if it can never come", async () => {
  const world = createWorld({ seed: 1 });
  const later = new Promise<string>((resolve) => {
    world.schedule(1_000, "task", () => resolve("done"));
  });
  world.schedule(5_000, "task", () => undefined);
  expect(await world.settle(later)).toBe("done");
  expect(world.nowMs).toBe(1_000);
  await expect(world.settle(new Promise(() => undefined))).rejects.toThrow("nothing is left");
});

test("the hash tells runs apart by what happens, when, and with what bytes", async () => {
  const hashOf = async (act: (world: ReturnType<typeof createWorld>) => void): Promise<string> => {
    const world = createWorld({ seed: 1 });
    act(world);
    await world.run();
    return world.hash.digest();
  };
  const nothing = (): void => undefined;
  const hashes = await Promise.all([
    hashOf((world) => world.schedule(1, "task", nothing)),
    hashOf((world) => world.schedule(1.000_000_001, "task", nothing)),
    hashOf((world) => world.schedule(1, "timer", nothing)),
    hashOf((world) => world.hash.addBytes(Uint8Array.of(1, 2))),
    hashOf((world) => world.hash.addBytes(Uint8Array.of(2, 1))),
    hashOf((world) => world.hash.addBytes(new Uint8Array(1_000))),
    hashOf((world) => world.hash.addBytes(new Uint8Array(1_001))),
  ]);
  expect(new Set(hashes).size).toBe(hashes.length);
  expect(await hashOf((world) => world.schedule(1, "task", nothing))).toBe(hashes[0]);
});
