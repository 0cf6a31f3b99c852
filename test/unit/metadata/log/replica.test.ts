import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";

import { createSeededRandom } from "../../../../adapters/memory/random.ts";
import { allocateProducerIds } from "../../../../metadata/commands/allocate-producer-ids.ts";
import { createCluster, deleteCluster } from "../../../../metadata/commands/cluster-commands.ts";
import { accepted } from "../../../../metadata/commands/command.ts";
import type { Decision } from "../../../../metadata/commands/command.ts";
import { createTopic } from "../../../../metadata/commands/create-topics.ts";
import { deleteTopic } from "../../../../metadata/commands/delete-topics.ts";
import { registerBroker } from "../../../../metadata/commands/register-broker.ts";
import type { MetadataChange } from "../../../../metadata/image/changes.ts";
import { encodeSnapshot } from "../../../../metadata/image/snapshot.ts";
import type { MetadataReplica } from "../../../../metadata/log/replica.ts";
import { encodeEntry, hashEntry } from "../../../../metadata/records/entry.ts";
import { MetadataDecodeError } from "../../../../metadata/records/field-types.ts";
import { MetadataLogError } from "../../../../ports/metadata-log.ts";
import { newBroker } from "../test-cell.ts";
import { faultyLog, testWorld } from "./test-log.ts";
import type { TestWorld } from "./test-log.ts";

const open: { replica: MetadataReplica; world: TestWorld }[] = [];

async function openReplica(world: TestWorld, options: Parameters<TestWorld["open"]>[0] = {}) {
  const replica = await world.open(options);
  open.push({ replica, world });
  return replica;
}

afterEach(async () => {
  for (const { replica, world } of open.splice(0)) {
    await world.during(replica.close());
    world.clock.close();
  }
});

function addCluster(replica: MetadataReplica, name: string) {
  return replica.submit((image, context) => createCluster(image, { name }, context));
}

describe("a replica", () => {
  test("creates the cell in an empty log, once, whoever comes first", async () => {
    const world = testWorld();
    const [first, second] = await Promise.all([openReplica(world), openReplica(world)]);
    expect(first.image.cellId).toMatch(/^[\w-]{22}$/);
    expect(second.image.cellId).toBe(first.image.cellId);
    expect(world.log.entries.size).toBe(1);
  });

  test("has its own change in its image when the change is answered", async () => {
    const world = testWorld();
    const replica = await openReplica(world);
    const submitted = await world.during(addCluster(replica, "dev"));
    expect(submitted).toMatchObject({ kind: "accepted", revision: 2, result: { name: "dev" } });
    expect(replica.image.clustersByName.has("dev")).toBe(true);
  });

  test("decides on what others have appended, whether it had heard of it or not", async () => {
    const world = testWorld();
    const [first, second] = [await openReplica(world), await openReplica(world)];
    await world.during(addCluster(first, "dev"));
    const submitted = await world.during(addCluster(second, "dev"));
    expect(submitted).toMatchObject({ kind: "rejected", error: "CLUSTER_ALREADY_EXISTS" });
  });

  test("follows others' changes by hint, and says what changed", async () => {
    const world = testWorld();
    const [first, second] = [await openReplica(world), await openReplica(world)];
    const heard: MetadataChange[] = [];
    const forget = second.onChange((changes) => heard.push(...changes));
    await world.during(addCluster(first, "a"));
    await world.clock.advance(0);
    expect(heard.map(({ kind }) => kind)).toEqual(["clusterCreated"]);
    forget();
    await world.during(addCluster(first, "b"));
    await world.clock.advance(0);
    expect(heard).toHaveLength(1);
  });

  test("follows within a second when no hint comes", async () => {
    const world = testWorld();
    const first = await openReplica(world);
    const deaf = await openReplica(world, { log: { ...world.log, onAppend: () => () => {} } });
    await world.during(addCluster(first, "a"));
    await world.clock.advance(1_000);
    expect(deaf.image.clustersByName.has("a")).toBe(true);
  });

  test("reads once for all who ask while a read waits", async () => {
    const world = testWorld();
    const replica = await openReplica(world);
    const before = world.log.readCount;
    await world.during(Promise.all(Array.from({ length: 100 }, () => replica.readToHead())));
    expect(world.log.readCount - before).toBe(1);
  });

  test("reads for unknown topics at most ten times a second", async () => {
    const world = testWorld();
    const replica = await openReplica(world);
    await world.clock.advance(500);
    const before = world.log.readCount;
    const asked: Promise<number>[] = [];
    for (let index = 0; index < 50; index++) {
      asked.push(replica.readForUnknownTopic());
      await world.clock.advance(10);
    }
    await world.during(Promise.all(asked));
    expect(world.log.readCount - before).toBeLessThanOrEqual(7);
  });

  test("sees, for an unknown topic, what was appended before it was asked", async () => {
    const world = testWorld();
    const first = await openReplica(world);
    const deaf = await openReplica(world, { log: { ...world.log, onAppend: () => () => {} } });
    for (const name of ["a", "b", "c"]) {
      await world.during(addCluster(first, name));
      await world.during(deaf.readForUnknownTopic());
      expect(deaf.image.clustersByName.has(name)).toBe(true);
    }
  });

  test("that is closed neither answers nor follows", async () => {
    const world = testWorld();
    const replica = await world.open();
    await world.during(replica.close());
    await expect(replica.readToHead()).rejects.toMatchObject({ code: "closed" });
    await expect(addCluster(replica, "x")).rejects.toMatchObject({ code: "closed" });
    expect(world.clock.nextDueMs()).toBeNull();
  });
});

describe("writers that race", () => {
  test("fifty on as many replicas all get their own change, in one history", async () => {
    const world = testWorld();
    const replicas = [];
    for (let index = 0; index < 50; index++) replicas.push(await openReplica(world));
    await world.during(
      replicas[0]?.submit((image, context) => registerBroker(image, newBroker("1"), context)) ??
        Promise.reject(new Error("no replica")),
    );
    const brokerEpoch = replicas[0]?.image.brokers.get(1)?.epoch ?? 0;
    const blocks = await world.during(
      Promise.all(
        replicas.map((replica) =>
          replica.submit((image) => allocateProducerIds(image, { brokerId: 1, brokerEpoch })),
        ),
      ),
    );
    const firsts = blocks.map((block) => (block.kind === "accepted" ? block.result.first : -1));
    expect(firsts.toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: 50 }, (_, index) => index * 1_000),
    );
    expect(world.log.entries.size).toBe(52);
  });

  test("fifty on one replica need no second attempt", async () => {
    const world = testWorld();
    const replica = await openReplica(world);
    const names = Array.from({ length: 50 }, (_, index) => `c${index}`);
    const results = await world.during(Promise.all(names.map((name) => addCluster(replica, name))));
    expect(results.map((result) => result.kind === "accepted" && result.revision)).toEqual(
      names.map((_, index) => index + 2),
    );
  });

  test("more than a thousand waiting are refused instead of queued", async () => {
    const world = testWorld();
    const replica = await openReplica(world);
    const results = await world.during(
      Promise.allSettled(
        Array.from({ length: 1_100 }, () => replica.submit(() => accepted([], null))),
      ),
    );
    const refused = results.filter(({ status }) => status === "rejected");
    expect(refused.length).toBeGreaterThanOrEqual(100);
    expect(refused[0]).toMatchObject({ reason: { code: "unavailable" } });
  });
});

describe("a log that does not always answer", () => {
  test("that took a change and lost the reply has it once, and the writer knows it", async () => {
    const world = testWorld();
    const replica = await openReplica(world);
    const append = world.log.append.bind(world.log);
    let lostCount = 0;
    world.log.append = async (revision, entry) => {
      const outcome = await append(revision, entry);
      lostCount += 1;
      if (lostCount === 1) throw new MetadataLogError("unavailable", "timed out");
      return outcome;
    };
    const submitted = await world.during(addCluster(replica, "dev"));
    expect(submitted).toMatchObject({ kind: "accepted", revision: 2 });
    expect(world.log.entries.size).toBe(2);
  });

  test("whose client repeats a put that had succeeded says conflict to the owner, who is not fooled", async () => {
    const world = testWorld();
    const replica = await openReplica(world);
    const append = world.log.append.bind(world.log);
    world.log.append = async (revision, entry) => {
      await append(revision, entry);
      return "conflict";
    };
    const submitted = await world.during(addCluster(replica, "dev"));
    expect(submitted).toMatchObject({ kind: "accepted", revision: 2 });
    expect(world.log.entries.size).toBe(2);
  });

  test("that is away fails the change, after a bounded number of attempts, and is followed again later", async () => {
    const world = testWorld();
    let isAway = false;
    const chance = { lost: 0, lostReply: 0 };
    const log = faultyLog(
      world.log,
      { ...createSeededRandom(1), float: () => (isAway ? 0 : 1) },
      chance,
    );
    chance.lost = 0.5;
    const replica = await openReplica(world, { log });
    isAway = true;
    await expect(world.during(addCluster(replica, "dev"))).rejects.toMatchObject({
      code: "unavailable",
    });
    await world.clock.advance(3_000);
    isAway = false;
    await world.clock.advance(1_000);
    expect(world.said).toEqual([
      "the metadata log does not answer; changes of metadata wait",
      "the metadata log answers again",
    ]);
    expect(await world.during(addCluster(replica, "dev"))).toMatchObject({ kind: "accepted" });
  });

  test("that tries for seconds itself before it gives up is not asked for long, for all others wait", async () => {
    const world = testWorld();
    const asked: string[] = [];
    const away = (name: string) => async () => {
      asked.push(name);
      await new Promise<void>((resolve) => void world.clock.after(6_000, resolve));
      throw new MetadataLogError("unavailable", "timed out");
    };
    const log = { ...world.log };
    const replica = await openReplica(world, { log, pollMs: 1e9 });
    Object.assign(log, { append: away("append") });
    const read = world.log.read.bind(world.log);
    log.read = (from, limit) => (asked.length === 0 ? read(from, limit) : away("read")());
    await expect(world.during(addCluster(replica, "dev"))).rejects.toMatchObject({
      code: "unavailable",
    });
    expect(asked).toEqual(["append", "read"]);
  });

  test("and racing writers still make one history, in which every answered change is once", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 1e6 }), async (seed) => {
        const world = testWorld(seed);
        const replicas: MetadataReplica[] = [await world.open(), await world.open()];
        const log = faultyLog(world.log, createSeededRandom(seed), { lost: 0.1, lostReply: 0.2 });
        for (let index = 0; index < 3; index++) {
          replicas.push(await world.open({ log }).catch(() => world.open()));
        }
        const answered: string[] = [];
        await world.during(
          Promise.all(
            replicas.flatMap((replica, writer) =>
              Array.from({ length: 4 }, async (_, index) => {
                const name = `c${writer}-${index}`;
                const outcome = await addCluster(replica, name).catch(() => null);
                if (outcome?.kind === "accepted") answered.push(name);
                // A lost decision may have been made all the same, but never by somebody else.
                expect(outcome?.kind).not.toBe("rejected");
              }),
            ),
          ),
        );
        const [judge] = replicas;
        if (judge === undefined) throw new Error("no replica");
        await world.during(judge.readToHead());
        expect([...judge.image.clustersByName.keys()]).toEqual(expect.arrayContaining(answered));
        expect(judge.revision).toBe(1 + judge.image.clusters.size);
        await world.during(Promise.all(replicas.map((replica) => replica.close())));
        world.clock.close();
      }),
      { numRuns: 15 },
    );
  });
});

describe("any interleaving of commands from several replicas", () => {
  type Step = { writer: number; name: number; action: "cluster" | "drop" | "topic" | "delete" };
  const steps: fc.Arbitrary<Step[]> = fc.array(
    fc.record({
      writer: fc.integer({ min: 0, max: 3 }),
      name: fc.integer({ min: 0, max: 3 }),
      action: fc.constantFrom("cluster", "drop", "topic", "delete"),
    }),
    { maxLength: 40 },
  );

  function take(replica: MetadataReplica, { name, action }: Step): Promise<unknown> {
    return replica.submit((image, context): Decision<unknown> => {
      const clusterId = image.clustersByName.get(`c${name % 2}`)?.clusterId ?? "none";
      switch (action) {
        case "cluster":
          return createCluster(image, { name: `c${name % 2}` }, context);
        case "drop":
          return deleteCluster(image, { clusterId, force: name < 2 }, context);
        case "topic":
          return createTopic(image, { clusterId, topic: { name: `t${name}` } }, context);
        case "delete":
          return deleteTopic(image, { clusterId, topic: { name: `t${name}` } }, context);
      }
    });
  }

  test("gives equal images, and a snapshot with its tail gives what the whole log gives", async () => {
    await fc.assert(
      fc.asyncProperty(steps, fc.integer({ min: 1, max: 1e6 }), async (all, seed) => {
        const world = testWorld(seed);
        const replicas: MetadataReplica[] = [];
        for (let index = 0; index < 4; index++) {
          replicas.push(await world.open({ snapshotEvery: 5, trimMargin: 2 }));
        }
        const [keeper] = replicas;
        if (keeper === undefined) throw new Error("no replica");
        const half = Math.floor(all.length / 2);
        const run = (part: Step[]) =>
          world.during(
            Promise.all(part.map((step) => take(replicas[step.writer] ?? keeper, step))),
          );
        await run(all.slice(0, half));
        const whole = new Map(world.log.entries);
        await world.during(keeper.maintain());
        await run(all.slice(half));
        await world.during(keeper.maintain());
        for (const [revision, entry] of world.log.entries) whole.set(revision, entry);
        await world.during(Promise.all(replicas.map((replica) => replica.readToHead())));
        // One from snapshot and tail, one from every entry there ever was.
        replicas.push(await world.open());
        const fullLog = testWorld(seed);
        for (const [revision, entry] of whole) fullLog.log.entries.set(revision, entry);
        replicas.push(await fullLog.open());
        const images = replicas.map(({ image }) =>
          Buffer.from(encodeSnapshot(image)).toString("hex"),
        );
        expect(new Set(images).size).toBe(1);
        for (const replica of replicas) await replica.close();
        world.clock.close();
        fullLog.clock.close();
      }),
      { numRuns: 25 },
    );
  });
});

describe("a replica that meets what it does not know", () => {
  function append(world: TestWorld, replica: MetadataReplica, change: (entry: Uint8Array) => void) {
    const entry = encodeEntry({
      level: 1,
      nonce: "00".repeat(16),
      previousHash: replica.image.entryHash,
      records: [],
    });
    change(entry);
    world.log.entries.set(replica.revision + 1, entry);
  }

  test("stops, says so once, and neither reads, appends nor snapshots any more", async () => {
    const world = testWorld();
    const stopped: string[] = [];
    const replica = await openReplica(world, {
      snapshotEvery: 1,
      onStopped: (reason) => stopped.push(reason.code),
    });
    append(world, replica, (entry) => {
      entry[1] = 9;
    });
    await world.clock.advance(1_000);
    expect(stopped).toEqual(["unknown"]);
    expect(replica.state).toBe("stopped");
    const attempts: (() => Promise<unknown>)[] = [
      () => replica.readToHead(),
      () => addCluster(replica, "x"),
      () => replica.maintain(),
    ];
    for (const attempt of attempts) {
      await expect(world.during(attempt())).rejects.toMatchObject({ code: "unavailable" });
    }
    await world.clock.advance(10_000);
    expect(stopped).toEqual(["unknown"]);
    expect(world.store.objects.size).toBe(0);
    expect(world.log.entries.size).toBe(2);
  });

  test("does not open", async () => {
    const world = testWorld();
    const replica = await openReplica(world);
    append(world, replica, (entry) => {
      entry[0] = 2;
    });
    await expect(world.open()).rejects.toBeInstanceOf(MetadataDecodeError);
  });

  test("stops on a chain that is broken for good", async () => {
    const world = testWorld();
    const replica = await openReplica(world);
    append(world, replica, (entry) => {
      entry[20] = (entry[20] ?? 0) ^ 1;
    });
    await expect(world.during(replica.readToHead())).rejects.toMatchObject({ code: "unavailable" });
    expect(replica.state).toBe("stopped");
  });
});

test("a log that became another one under a running process is read anew", async () => {
  const world = testWorld();
  const replica = await openReplica(world);
  await world.during(addCluster(replica, "lost"));
  const other = testWorld(7);
  const writer = await openReplica(other);
  for (const name of ["kept", "new"]) await other.during(addCluster(writer, name));
  world.log.entries.clear();
  for (const [revision, entry] of other.log.entries) world.log.entries.set(revision, entry);
  await world.during(replica.readToHead());
  expect([...replica.image.clustersByName.keys()]).toEqual(["kept", "new"]);
  expect(replica.image.entryHash).toBe(hashEntry(other.log.entries.get(3) ?? new Uint8Array()));
});

test("a change too large for one entry is refused and leaves nothing behind", async () => {
  const world = testWorld();
  const replica = await openReplica(world);
  const random = createSeededRandom(3);
  const noise = () => Buffer.from(random.bytes(300_000)).toString("base64");
  await expect(
    world.during(
      replica.submit((_image, context) =>
        accepted(
          [
            {
              kind: "idempotencyKey",
              scope: "",
              key: "k",
              requestHash: "",
              reply: noise(),
              createdAtMs: context.nowMs,
            },
          ],
          null,
        ),
      ),
    ),
  ).rejects.toMatchObject({ code: "tooLarge" });
  expect(world.log.entries.size).toBe(1);
});
