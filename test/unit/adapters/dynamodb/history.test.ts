import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createSeededRandom } from "../../../../adapters/memory/random.ts";
import { accepted } from "../../../../metadata/commands/command.ts";
import { createCluster } from "../../../../metadata/commands/cluster-commands.ts";
import { openMetadataReplica } from "../../../../metadata/log/replica.ts";
import type { MetadataReplica } from "../../../../metadata/log/replica.ts";
import type { MetadataEntry, MetadataLog } from "../../../../ports/metadata-log.ts";
import type { Random } from "../../../../ports/random.ts";
import type { DynamoFaults } from "../../../support/simulated-dynamo.ts";
import { testObjects } from "../../metadata/log/test-log.ts";
import { bytesOf, dynamoWorld, textOf } from "./dynamo-world.ts";
import type { DynamoWorld } from "./dynamo-world.ts";

type Put = { text: string; atMs: number };
type Append = { revision: number; text: string; beganMs: number; endedMs: number; outcome: string };
type Read = {
  from: number;
  limit: number;
  beganMs: number;
  endedMs: number;
  result: MetadataEntry[] | "trimmed";
};

/** What the table saw, and what everybody was told. */
type History = {
  /** By revision, as they came to be in the table. */
  readonly puts: Map<number, Put>;
  readonly trimmedBefore: { value: number };
  readonly appends: Append[];
  readonly reads: Read[];
};

/** Writes down each entry as the table takes it; a place is taken once, and in the order of revisions. */
function watchPuts(world: DynamoWorld): Map<number, Put> {
  const puts = new Map<number, Put>();
  const { execute } = world.dynamo.table;
  world.dynamo.table.execute = (command) => {
    const output = execute(command);
    for (const [revision, text] of world.stored()) {
      const known = puts.get(revision);
      if (text === "-" || known?.text === text) continue;
      expect(known).toBeUndefined();
      if (puts.size > 0) expect(puts.has(revision - 1)).toBe(true);
      puts.set(revision, { text, atMs: world.clock.monotonicMs() });
    }
    return output;
  };
  return puts;
}

function drawFaults(random: Random): DynamoFaults {
  const chance = (most: number): number => (random.float() < 0.4 ? 0 : random.float() * most);
  return {
    throttled: chance(0.3),
    conflicted: chance(0.3),
    lost: chance(0.3),
    answerLost: chance(0.4),
    late: chance(0.3),
    twice: chance(0.3),
    failed: chance(0.2),
    torn: chance(0.8),
  };
}

type Actor = {
  log: MetadataLog;
  name: string;
  world: DynamoWorld;
  history: History;
  random: Random;
};

async function read(actor: Actor, from: number, limit: number): Promise<Read["result"] | null> {
  const { log, world, history } = actor;
  const beganMs = world.clock.monotonicMs();
  const result = await log.read(from, limit).catch(() => null);
  if (result === null) return null;
  history.reads.push({ from, limit, beganMs, endedMs: world.clock.monotonicMs(), result });
  return result;
}

/** Reads to the head and appends behind it, as every writer does; what it does not know it finds out by reading. The log begins at `first`. */
async function write(actor: Actor, entryCount: number, first: number): Promise<void> {
  const { log, name, world, history, random } = actor;
  let next = 1;
  for (let count = 0; count < entryCount; count++) {
    const tail = await read(actor, next, 1 + Math.floor(random.float() * 10));
    if (tail === "trimmed") next = history.trimmedBefore.value;
    else next += tail?.length ?? 0;
    const text = `${name}/${count}`;
    const beganMs = world.clock.monotonicMs();
    // Now and then from the past, or beyond the head.
    const revision = random.float() < 0.1 ? next + Math.floor(random.float() * 7) - 3 : next;
    const isGenesis = next === 1;
    const call = isGenesis
      ? log.genesis(first, bytesOf(text))
      : log.append(revision, bytesOf(text));
    const outcome = await call.catch(() => "unavailable");
    const endedMs = world.clock.monotonicMs();
    const at = isGenesis ? first : revision;
    history.appends.push({ revision: at, text, beganMs, endedMs, outcome });
    if (random.float() < 0.05) await pause(world, random.float() * 30_000);
  }
}

async function trimNowAndThen({ log, world, history, random }: Actor): Promise<void> {
  for (let round = 0; round < 6; round++) {
    await pause(world, random.float() * 4_000);
    const before = Math.max(0, ...history.puts.keys()) - Math.floor(random.float() * 6);
    history.trimmedBefore.value = Math.max(history.trimmedBefore.value, before);
    await log.trim(before).catch(() => undefined);
  }
}

function pause(world: DynamoWorld, ms: number): Promise<void> {
  return new Promise((resolve) => void world.clock.after(ms, resolve));
}

function checkAppends({ puts, appends }: History): void {
  const tellers = new Map(appends.map((append) => [append.text, append]));
  for (const { revision, text, outcome } of appends) {
    const isThere = puts.get(revision)?.text === text;
    if (outcome === "accepted") expect(isThere, `${text} was accepted at ${revision}`).toBe(true);
    if (outcome === "conflict") expect(isThere, `${text} was refused`).toBe(false);
  }
  for (const [revision, { text, atMs }] of puts) {
    const append = tellers.get(text);
    expect(append?.revision).toBe(revision);
    expect(append?.beganMs).toBeLessThanOrEqual(atMs);
    if (append?.outcome === "accepted") expect(atMs).toBeLessThanOrEqual(append.endedMs);
  }
}

function checkReads({ puts, appends, reads, trimmedBefore }: History): void {
  for (const { from, limit, beganMs, endedMs, result } of reads) {
    if (result === "trimmed") {
      expect(from).toBeLessThan(trimmedBefore.value);
      continue;
    }
    for (const [index, { revision, entry }] of result.entries()) {
      expect(revision).toBe(from + index);
      expect(puts.get(revision)?.text).toBe(textOf(entry));
      expect(puts.get(revision)?.atMs).toBeLessThanOrEqual(endedMs);
    }
    // Whatever somebody had been told of before must be there.
    const known = appends.filter(
      ({ outcome, endedMs: toldMs }) => outcome === "accepted" && toldMs < beganMs,
    );
    const head = Math.max(0, ...known.map(({ revision }) => revision));
    expect(from + result.length).toBeGreaterThan(Math.min(head, from + limit - 1));
  }
}

describe("many writers on a DynamoDB that throttles, loses, delays and repeats", () => {
  async function live(seed: number): Promise<{ history: History; world: DynamoWorld }> {
    const world = dynamoWorld({ seed, latencyMs: 20 });
    const random = createSeededRandom(seed);
    const puts = watchPuts(world);
    // Some logs go on after a restore.
    const first = [1, 1, 6, 12][Math.floor(random.float() * 4)] ?? 1;
    const history: History = { puts, trimmedBefore: { value: first }, appends: [], reads: [] };
    const actors = Array.from({ length: 6 }, (_, index): Actor => {
      const log = world.open(drawFaults(random));
      return { log, name: `w${index}`, world, history, random };
    });
    const [trimmer, ...writers] = actors;
    if (trimmer === undefined) throw new Error("no actors");
    const work = writers.map((writer) => write(writer, 12, first));
    await world.during(Promise.all([trimNowAndThen(trimmer), ...work]));
    await world.settle();
    return { history, world };
  }

  test("make one history: who is told of an entry has it there, who is refused has not", async () => {
    let uncertainCount = 0;
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 2 ** 31 }), async (seed) => {
        const { history, world } = await live(seed);
        checkAppends(history);
        checkReads(history);
        uncertainCount += history.appends.filter(({ outcome }) => outcome === "unavailable").length;
        // A last look by somebody new, without faults.
        const { puts, trimmedBefore } = history;
        const from = Math.max(1, trimmedBefore.value);
        const entries = await world.during(world.open().read(from, 1_000));
        const head = Math.max(0, ...puts.keys());
        expect(entries).toHaveLength(Math.max(0, head - from + 1));
        world.clock.close();
      }),
      { numRuns: 40 },
    );
    expect(uncertainCount).toBeGreaterThan(0);
  }, 60_000);

  test("through replicas: every answered change is made once, and no other change is made twice", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 2 ** 31 }), async (seed) => {
        const world = dynamoWorld({ seed, latencyMs: 20 });
        const random = createSeededRandom(seed);
        const objects = testObjects();
        const output = { info() {}, warn() {}, error() {} };
        const openReplica = (faults?: DynamoFaults): Promise<MetadataReplica> => {
          const log = world.open(faults);
          return openMetadataReplica({
            log,
            objects,
            clock: world.clock,
            random,
            output,
            cell: "c",
          });
        };
        const judge = await world.during(openReplica());
        const replicas = await world.during(
          Promise.all(
            [1, 2, 3].map(() => openReplica(drawFaults(random)).catch(() => openReplica())),
          ),
        );
        const answered: string[] = [];
        const changes = replicas.flatMap((replica, writer) =>
          [0, 1, 2, 3].map(async (index) => {
            const name = `c${writer}-${index}`;
            const outcome = await replica
              .submit((image, context) => createCluster(image, { name }, context))
              .catch(() => null);
            if (outcome?.kind === "accepted") answered.push(name);
            // Nobody else makes this name: refused as taken would mean that it was made twice.
            expect(outcome?.kind).not.toBe("rejected");
          }),
        );
        await world.during(Promise.all(changes));
        await world.during(Promise.all(replicas.map((replica) => replica.close())));
        await world.clock.advance(60_000);
        await world.during(judge.submit(() => accepted([], null)));
        const names = [...judge.image.clustersByName.keys()];
        expect(names).toEqual(expect.arrayContaining(answered));
        // The genesis, and one entry for each cluster.
        expect(judge.revision).toBe(1 + names.length);
        await world.during(judge.close());
        world.clock.close();
      }),
      { numRuns: 15 },
    );
  }, 60_000);
});
