import fc from "fast-check";
import { expect, test } from "vitest";
import { resolveFetch } from "../../../../broker/fetch-sessions/resolve-fetch.ts";
import { asked, caller, newCache, request, resolved, served } from "./fetch-client.ts";

const partitions = (count: number) => ({
  a: Array.from({ length: count }, (_, index) => asked(index)),
});

test("a full cache keeps young sessions and serves the newcomer without one", () => {
  const cache = newCache({ maxSessions: 2 });
  resolved(cache, request(0, 0, partitions(1)), caller({ owner: "one" }));
  resolved(cache, request(0, 0, partitions(1)), caller({ owner: "two" }));
  const third = resolved(
    cache,
    request(0, 0, partitions(9)),
    caller({ owner: "three", nowMs: 119_000 }),
  );
  expect(third.kind).toBe("sessionless");
  expect(served(third)).toHaveLength(9);
  expect([...cache.sessions.keys()]).toEqual([1, 2]);
});

test("a session idle for two minutes makes room", () => {
  const cache = newCache({ maxSessions: 2 });
  resolved(cache, request(0, 0, partitions(5)), caller({ owner: "one" }));
  resolved(cache, request(0, 0, partitions(5)), caller({ owner: "two" }));
  resolved(cache, request(1, 1), caller({ owner: "one", nowMs: 100_000 }));
  const third = resolved(
    cache,
    request(0, 0, partitions(1)),
    caller({ owner: "three", nowMs: 121_000 }),
  );
  expect(third.kind).toBe("full");
  expect([...cache.sessions.keys()]).toEqual([1, 3]);
});

test("a session in use for two minutes makes room for a larger one, the smallest first", () => {
  const cache = newCache({ maxSessions: 3 });
  for (const [index, size] of [4, 2, 8].entries()) {
    resolved(cache, request(0, 0, partitions(size)), caller({ owner: `owner ${index}` }));
  }
  for (const id of [1, 2, 3])
    resolved(cache, request(id, 1), caller({ owner: `owner ${id - 1}`, nowMs: 110_000 }));
  const small = resolved(
    cache,
    request(0, 0, partitions(1)),
    caller({ owner: "new", nowMs: 125_000 }),
  );
  expect(small.kind).toBe("sessionless");
  const large = resolved(
    cache,
    request(0, 0, partitions(6)),
    caller({ owner: "new", nowMs: 125_000 }),
  );
  expect(large.kind).toBe("full");
  expect([...cache.sessions.keys()]).toEqual([1, 3, 4]);
});

test("a follower takes the place of a consumer at once, a consumer never a live follower's", () => {
  const cache = newCache({ maxSessions: 1 });
  resolved(cache, request(0, 0, partitions(9)), caller({ owner: "consumer" }));
  const follower = caller({ owner: "follower", isFollower: true, nowMs: 1 });
  expect(resolved(cache, request(0, 0, partitions(1)), follower).kind).toBe("full");
  resolved(cache, request(2, 1), { ...follower, nowMs: 200_000 });
  const consumer = caller({ owner: "consumer", nowMs: 300_000 });
  expect(resolved(cache, request(0, 0, partitions(9)), consumer).kind).toBe("sessionless");
});

test("a connection that opens a session with every poll loses its own oldest, never another's", () => {
  const cache = newCache({ maxSessions: 20, maxSessionsPerOwner: 4 });
  resolved(cache, request(0, 0, partitions(1)), caller({ owner: "well-behaved" }));
  for (let poll = 0; poll < 500; poll += 1) {
    resolved(cache, request(0, 0, partitions(3)), caller({ owner: "per poll", nowMs: poll }));
    expect(cache.sessions.size).toBeLessThanOrEqual(5);
  }
  expect(resolved(cache, request(1, 1), caller({ owner: "well-behaved", nowMs: 500 })).kind).toBe(
    "incremental",
  );
});

test("a session goes on over a new connection and counts there", () => {
  const cache = newCache({ maxSessionsPerOwner: 1 });
  resolved(cache, request(0, 0, partitions(1)), caller({ owner: "old" }));
  resolved(cache, request(1, 1), caller({ owner: "new", nowMs: 1 }));
  resolved(cache, request(0, 0, partitions(1)), caller({ owner: "old", nowMs: 2 }));
  expect(cache.sessions.size).toBe(2);
  resolved(cache, request(0, 0, partitions(1)), caller({ owner: "new", nowMs: 3 }));
  expect([...cache.sessions.keys()]).toEqual([2, 3]);
});

test("a session id that is taken is not given out again", () => {
  const ids = [7, 7, 7, 8];
  const cache = { ...newCache(), newSessionId: () => ids.shift()! };
  resolved(cache, request(0, 0, partitions(1)));
  resolved(cache, request(0, 0, partitions(1)));
  expect([...cache.sessions.keys()]).toEqual([7, 8]);
});

test("whatever clients do, the cache stays within its bounds and its counts are right", () => {
  const step = fc.record({
    owner: fc.constantFrom("x", "y", "z"),
    id: fc.nat(12),
    epoch: fc.integer({ min: -1, max: 3 }),
    add: fc.array(fc.nat(12), { maxLength: 6 }),
    forget: fc.array(fc.nat(12), { maxLength: 6 }),
    isFollower: fc.boolean(),
    waitMs: fc.constantFrom(0, 1000, 130_000),
  });
  const limits = { maxSessions: 4, maxPartitions: 15, maxSessionsPerOwner: 3 };
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const cache = newCache(limits);
      let nowMs = 0;
      for (const { owner, id, epoch, add, forget, isFollower, waitMs } of steps) {
        nowMs += waitMs;
        const wanted = request(id, epoch, { a: add.map((index) => asked(index)) }, { a: forget });
        resolveFetch(cache, wanted, caller({ owner, isFollower, nowMs }));
        const sessions = [...cache.sessions.values()];
        expect(sessions.length).toBeLessThanOrEqual(limits.maxSessions);
        expect(cache.partitionCount).toBeLessThanOrEqual(limits.maxPartitions);
        expect(cache.partitionCount).toBe(
          sessions.reduce((sum, { partitions: { size } }) => sum + size, 0),
        );
        const owned = [...cache.byOwner].flatMap(([name, set]) => {
          expect(set.size).toBeGreaterThan(0);
          return [...set].map((session) => `${name} ${session.id}`);
        });
        expect(owned.sort()).toEqual(
          sessions.map((session) => `${session.owner} ${session.id}`).sort(),
        );
      }
    }),
    { numRuns: 200 },
  );
});
