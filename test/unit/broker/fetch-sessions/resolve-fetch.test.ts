import fc from "fast-check";
import { expect, test } from "vitest";
import { resolveFetch } from "../../../../broker/fetch-sessions/resolve-fetch.ts";
import { asked, caller, newCache, noTopicId, request, resolved, served } from "./fetch-client.ts";

test("epoch -1 is a fetch without a session", () => {
  const cache = newCache();
  const fetch = resolved(cache, request(0, -1, { a: [asked(0, 5), asked(1)] }));
  expect(fetch).toMatchObject({ kind: "sessionless", session: null });
  expect(served(fetch)).toEqual(["a-0@5", "a-1@0"]);
  expect(cache.sessions.size).toBe(0);
});

test("epoch 0 opens a session, which then needs only what changed", () => {
  const cache = newCache();
  const first = resolved(cache, request(0, 0, { a: [asked(0), asked(1)], b: [asked(0)] }));
  expect(first).toMatchObject({ kind: "full", session: { id: 1, epoch: 1 } });
  const second = resolved(cache, request(1, 1, { a: [asked(1, 7)] }));
  expect(second).toMatchObject({ kind: "incremental", session: { id: 1, epoch: 2 } });
  expect(served(second)).toEqual(["a-0@0", "a-1@7", "b-0@0"]);
  const third = resolved(cache, request(1, 2, { c: [asked(3)] }, { a: [0], b: [0, 9] }));
  expect(served(third)).toEqual(["a-1@7", "c-3@0"]);
});

test("the partitions of a session can be gone through again for each attempt of a long poll", () => {
  const fetch = resolved(newCache(), request(0, 0, { a: [asked(0)] }));
  expect(served(fetch)).toEqual(served(fetch));
  const alone = resolved(newCache(), request(0, -1, { a: [asked(0)] }));
  expect(served(alone)).toEqual(served(alone));
});

test("every field of a partition is taken over when the client changes it", () => {
  const cache = newCache();
  resolved(cache, request(0, 0, { a: [asked(0)] }));
  const changed = {
    partition: 0,
    fetchOffset: 10,
    currentLeaderEpoch: 3,
    lastFetchedEpoch: 2,
    logStartOffset: 4,
    partitionMaxBytes: 77,
  };
  const [partition] = resolved(cache, request(1, 1, { a: [changed] })).partitions;
  expect(partition).toMatchObject(changed);
});

test("a follower that has not taken the high watermark it was sent is told again", () => {
  const cache = newCache();
  const [partition] = resolved(cache, request(0, 0, { a: [asked(0)] })).partitions;
  partition!.sentHighWatermark = 50;
  const named = [{ ...asked(0), currentLeaderEpoch: 3, highWatermark: 40 }];
  expect([...resolved(cache, request(1, 1, { a: named })).partitions][0]).toMatchObject({
    sentHighWatermark: 40,
  });
});

test("an unknown session is told as such", () => {
  expect(resolveFetch(newCache(), request(9, 1), caller())).toEqual({
    kind: "error",
    error: "FETCH_SESSION_ID_NOT_FOUND",
  });
  expect(resolveFetch(newCache(), request(0, 5), caller())).toMatchObject({
    error: "FETCH_SESSION_ID_NOT_FOUND",
  });
});

test.each([0 + 1, 3, 0x7fff_ffff, -5])(
  "epoch %d out of turn is refused and changes nothing",
  (epoch) => {
    const cache = newCache();
    resolved(cache, request(0, 0, { a: [asked(0)] }));
    resolved(cache, request(1, 1));
    expect(resolveFetch(cache, request(1, epoch, { b: [asked(0)] }), caller())).toEqual({
      kind: "error",
      error: "INVALID_FETCH_SESSION_EPOCH",
    });
    expect(served(resolved(cache, request(1, 2)))).toEqual(["a-0@0"]);
  },
);

test("after the largest epoch comes 1", () => {
  const cache = newCache();
  const { session } = resolved(cache, request(0, 0, { a: [asked(0)] }));
  session!.epoch = 0x7fff_ffff;
  resolved(cache, request(1, 0x7fff_ffff));
  expect(resolved(cache, request(1, 1)).kind).toBe("incremental");
});

test("a full request that names a session ends it: epoch -1 for good, epoch 0 for a new one", () => {
  const cache = newCache();
  resolved(cache, request(0, 0, { a: [asked(0)] }));
  expect(resolved(cache, request(1, 0, { b: [asked(0)] }))).toMatchObject({
    kind: "full",
    session: { id: 2 },
  });
  expect([...cache.sessions.keys()]).toEqual([2]);
  expect(resolved(cache, request(2, -1)).kind).toBe("sessionless");
  expect(cache.sessions.size).toBe(0);
  expect(cache.partitionCount).toBe(0);
});

test("a session opened with names is not continued with ids, nor the other way", () => {
  const cache = newCache();
  resolved(cache, request(0, 0, { a: [asked(0)] }));
  expect(resolveFetch(cache, request(1, 1), caller({ usesTopicIds: true }))).toEqual({
    kind: "error",
    error: "FETCH_SESSION_TOPIC_ID_ERROR",
  });
});

test("with ids, topics are told apart by id, and names are not looked at", () => {
  const cache = newCache();
  const topics = [
    { topic: "", topicId: noTopicId.replace("A", "B"), partitions: [asked(0)] },
    { topic: "", topicId: noTopicId.replace("A", "C"), partitions: [asked(0)] },
  ];
  const who = caller({ usesTopicIds: true });
  const fetch = resolved(cache, { ...request(0, 0), topics }, who);
  expect([...fetch.partitions].map(({ topicId }) => topicId[0])).toEqual(["B", "C"]);
  const forgottenTopicsData = [{ ...topics[0]!, partitions: [0] }];
  const after = resolved(cache, { ...request(1, 1), forgottenTopicsData }, who);
  expect([...after.partitions].map(({ topicId }) => topicId[0])).toEqual(["C"]);
});

test("another cluster's client neither continues nor ends a session", () => {
  const cache = newCache();
  resolved(cache, request(0, 0, { a: [asked(0)] }));
  const stranger = caller({ clusterId: "other" });
  expect(resolveFetch(cache, request(1, 1), stranger)).toMatchObject({
    error: "FETCH_SESSION_ID_NOT_FOUND",
  });
  resolved(cache, request(1, -1), stranger);
  expect(resolved(cache, request(1, 1)).kind).toBe("incremental");
});

test("a session whose last partition is forgotten is closed", () => {
  const cache = newCache();
  resolved(cache, request(0, 0, { a: [asked(0)] }));
  expect(resolved(cache, request(1, 1, {}, { a: [0] }))).toMatchObject({
    kind: "sessionless",
    session: null,
  });
  expect(cache.sessions.size).toBe(0);
});

test("a new session without partitions is not kept", () => {
  const cache = newCache();
  expect(resolved(cache, request(0, 0)).kind).toBe("sessionless");
  expect(cache.sessions.size).toBe(0);
});

test("a partition named twice is served once, as the later one says", () => {
  const fetch = resolved(newCache(), request(0, -1, { a: [asked(0, 1), asked(0, 2)] }));
  expect(served(fetch)).toEqual(["a-0@2"]);
});

test("a session that grows past the bound of the cache ends, and the client may begin again", () => {
  const cache = newCache({ maxPartitions: 3 });
  resolved(cache, request(0, 0, { a: [asked(0), asked(1)] }));
  const grown = request(1, 1, { a: [asked(2), asked(3)] });
  expect(resolveFetch(cache, grown, caller())).toMatchObject({
    error: "FETCH_SESSION_ID_NOT_FOUND",
  });
  expect(cache.partitionCount).toBe(0);
  const all = request(0, 0, { a: [asked(0), asked(1), asked(2), asked(3)] });
  expect(served(resolved(cache, all))).toHaveLength(4);
  expect(cache.sessions.size).toBe(0);
});

test("a client that follows the rules sees exactly the partitions it wants, whatever it adds and forgets", () => {
  const step = fc.record({
    add: fc.array(fc.nat(9), { maxLength: 4 }),
    forget: fc.array(fc.nat(9), { maxLength: 4 }),
    offset: fc.nat(1000),
  });
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 20 }), (steps) => {
      const cache = newCache();
      let wanted = new Map<number, number>();
      let [id, epoch] = [0, 0];
      for (const { add, forget, offset } of steps) {
        const added = epoch === 0 ? [...add, 1] : add.filter((each) => !forget.includes(each));
        const forgotten = epoch === 0 ? [] : forget;
        for (const each of added) wanted.set(each, offset);
        for (const each of forgotten) wanted.delete(each);
        const fetch = resolved(
          cache,
          request(id, epoch, { a: added.map((each) => asked(each, offset)) }, { a: forgotten }),
        );
        expect(served(fetch).sort()).toEqual(
          [...wanted].map(([index, at]) => `a-${index}@${at}`).sort(),
        );
        expect(cache.partitionCount).toBe(wanted.size);
        if (fetch.session === null) {
          [id, epoch, wanted] = [0, 0, new Map()];
        } else {
          [id, epoch] = [fetch.session.id, epoch + 1];
        }
      }
    }),
  );
});
