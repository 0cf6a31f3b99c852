import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createSeededRandom } from "../../../../adapters/memory/random.ts";
import type { ObjectStore, PutCondition } from "../../../../ports/object-store.ts";
import type { Random } from "../../../../ports/random.ts";
import type { S3Faults } from "../../../support/simulated-s3.ts";
import { bytesOf, s3World, textOf } from "./s3-world.ts";
import type { S3World } from "./s3-world.ts";

const keys = ["one", "two"];

type Change = { key: string; text: string; atMs: number };
type Put = { key: string; text: string; beganMs: number; endedMs: number; outcome: string };
type Read = { key: string; text: string | null; beganMs: number; endedMs: number };

/** What the bucket saw, and what everybody was told. */
type History = { readonly changes: Change[]; readonly puts: Put[]; readonly reads: Read[] };

/**
 * Not `twice`: a request that somebody else than the store repeats, of which the store hears the second answer, is found out only while its object is
 * still there.
 */
function drawFaults(random: Random): S3Faults {
  const chance = (most: number): number => (random.float() < 0.4 ? 0 : random.float() * most);
  return {
    throttled: chance(0.3),
    conflicted: chance(0.3),
    lost: chance(0.3),
    answerLost: chance(0.4),
    late: chance(0.3),
    failed: chance(0.3),
    truncated: chance(0.6),
  };
}

type Writer = {
  store: ObjectStore;
  name: string;
  world: S3World;
  history: History;
  random: Random;
};

/** Counts up under each key: reads what is there, and replaces exactly that. */
async function countUp(writer: Writer, putCount: number): Promise<void> {
  const { store, name, world, history, random } = writer;
  const nowMs = (): number => world.clock.monotonicMs();
  for (let count = 0; count < putCount; count++) {
    const key = keys[Math.floor(random.float() * keys.length)] ?? "";
    const readAtMs = nowMs();
    const object = await store.get(key).catch(() => "unavailable" as const);
    if (object === "unavailable") continue;
    const found = object === null ? null : textOf(object.bytes);
    history.reads.push({ key, text: found, beganMs: readAtMs, endedMs: nowMs() });
    const text = `${numberOf(found) + 1} by ${name} at ${count}`;
    const condition: PutCondition = object === null ? { ifAbsent: true } : { ifMatch: object.etag };
    const beganMs = nowMs();
    const put = await store.put(key, bytesOf(text), condition).catch(() => "unavailable" as const);
    const outcome = put === null ? "lost" : put === "unavailable" ? put : "won";
    history.puts.push({ key, text, beganMs, endedMs: nowMs(), outcome });
  }
}

function numberOf(text: string | null): number {
  return text === null ? 0 : Number.parseInt(text, 10);
}

/** Each change replaced the one before it: no update was lost, and none was made twice. */
function checkChanges({ changes }: History): void {
  for (const key of keys) {
    const numbers = changes
      .filter((change) => change.key === key)
      .map(({ text }) => numberOf(text));
    expect(numbers).toEqual(numbers.map((_, index) => index + 1));
  }
}

function checkPuts({ changes, puts }: History): void {
  for (const { key, text, beganMs, endedMs, outcome } of puts) {
    const made = changes.filter((change) => change.key === key && change.text === text);
    if (outcome === "lost") expect(made, `${text} was told that it lost`).toEqual([]);
    if (outcome !== "won") continue;
    expect(made, `${text} was told that it won`).toHaveLength(1);
    expect(made[0]?.atMs).toBeGreaterThanOrEqual(beganMs);
    expect(made[0]?.atMs).toBeLessThanOrEqual(endedMs);
  }
}

/** What was read was there at some time of the read. */
function checkReads({ changes, reads }: History): void {
  for (const { key, text, beganMs, endedMs } of reads) {
    const own = changes.filter((change) => change.key === key);
    const index = own.findIndex((change) => change.text === text);
    if (text !== null) expect(own[index]?.atMs).toBeLessThanOrEqual(endedMs);
    const next = own[index + 1];
    if (next !== undefined) expect(next.atMs).toBeGreaterThanOrEqual(beganMs);
  }
}

describe("many writers on an S3 that throttles, loses, delays and breaks off", () => {
  test("make one history: one winner each time, no lost update, and who is told of a loss has left nothing", async () => {
    const told = { won: 0, lost: 0, unavailable: 0 };
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 2 ** 31 }), async (seed) => {
        const world = s3World({ seed, latencyMs: 20 });
        const random = createSeededRandom(seed);
        const history: History = { changes: [], puts: [], reads: [] };
        world.s3.bucket.onChange = (key, object) => {
          const text = textOf(object?.bytes);
          history.changes.push({ key, text, atMs: world.clock.monotonicMs() });
        };
        const writers = [0, 1, 2, 3, 4].map((index): Writer => {
          const options = index === 0 ? { partSizes: { fromBytes: 0, partBytes: 6 } } : {};
          const store = world.open(drawFaults(random), options);
          return { store, name: `w${index}`, world, history, random };
        });
        await world.during(Promise.all(writers.map((writer) => countUp(writer, 12))));
        await world.settle();
        checkChanges(history);
        checkPuts(history);
        checkReads(history);
        for (const { outcome } of history.puts) told[outcome as keyof typeof told]++;
        world.clock.close();
      }),
      { numRuns: 30 },
    );
    expect(told.won).toBeGreaterThan(0);
    expect(told.lost).toBeGreaterThan(0);
    expect(told.unavailable).toBeGreaterThan(0);
  }, 60_000);

  test("leave no upload behind that they know of, unless its end cannot be reached", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 2 ** 31 }), async (seed) => {
        const world = s3World({ seed, latencyMs: 20 });
        const random = createSeededRandom(seed);
        const { lost = 0, throttled = 0, conflicted = 0 } = drawFaults(random);
        // Such faults as leave no upload that its maker has not heard of.
        const faults = { lost, throttled, conflicted, sparesAborts: true };
        const store = world.open(faults, { partSizes: { fromBytes: 0, partBytes: 4 } });
        for (let count = 0; count < 4; count++) {
          const put = store.put("key", bytesOf(`in parts, ${count}`), { ifAbsent: true });
          await world.during(put.catch(() => null));
        }
        await world.settle();
        expect(world.s3.bucket.uploads.size).toBe(0);
        world.clock.close();
      }),
      { numRuns: 30 },
    );
  }, 60_000);
});
