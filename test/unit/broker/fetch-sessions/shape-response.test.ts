import { expect, test } from "vitest";
import type { ResolvedFetch } from "../../../../broker/fetch-sessions/resolve-fetch.ts";
import {
  shapeFetchResponse,
  type PartitionAnswer,
} from "../../../../broker/fetch-sessions/shape-response.ts";
import type { WantedPartition } from "../../../../broker/fetch-sessions/session-cache.ts";
import { asked, newCache, request, resolved, served } from "./fetch-client.ts";

type Answer = PartitionAnswer & { partitionIndex: number };

const quiet: PartitionAnswer = {
  errorCode: 0,
  highWatermark: 10,
  logStartOffset: 0,
  records: new Uint8Array(0),
};

/** Answers everything with `quiet`, but as `over` says for "topic-partition". */
const answer = (fetch: ResolvedFetch, over: Record<string, Partial<PartitionAnswer>> = {}) =>
  shapeFetchResponse<Answer>(
    fetch,
    [...fetch.partitions].map((wanted: WantedPartition) => ({
      wanted,
      answer: {
        partitionIndex: wanted.partition,
        ...quiet,
        ...over[`${wanted.topic}-${wanted.partition}`],
      },
    })),
  );

const named = (shaped: ReturnType<typeof answer>): string[] =>
  shaped.responses.flatMap(({ topic, partitions }) =>
    partitions.map(({ partitionIndex }) => `${topic}-${partitionIndex}`),
  );

const three = { a: [asked(0), asked(1)], b: [asked(0)] };

/** A session that has been answered once. */
const opened = () => {
  const cache = newCache();
  const first = answer(resolved(cache, request(0, 0, three)));
  let epoch = 0;
  return { cache, first, next: () => resolved(cache, request(1, ++epoch)) };
};

test("a full response has every partition, grouped by topic, and the session's id", () => {
  const { first } = opened();
  expect(first.sessionId).toBe(1);
  expect(first.responses.map(({ topic, partitions }) => [topic, partitions.length])).toEqual([
    ["a", 2],
    ["b", 1],
  ]);
});

test("a response without a session has every partition each time", () => {
  const cache = newCache();
  for (let poll = 0; poll < 2; poll += 1) {
    const shaped = answer(resolved(cache, request(0, -1, three)));
    expect(shaped.sessionId).toBe(0);
    expect(named(shaped)).toEqual(["a-0", "a-1", "b-0"]);
  }
});

test("an incremental response without news is empty and keeps the session's id", () => {
  const { next } = opened();
  expect(answer(next())).toEqual({ sessionId: 1, responses: [] });
});

test.each<[string, Partial<PartitionAnswer>]>([
  ["records", { records: { byteLength: 5 } }],
  ["a moved high watermark", { highWatermark: 11 }],
  ["a moved log start", { logStartOffset: 3 }],
  ["an error", { errorCode: 6, highWatermark: -1, logStartOffset: -1, records: null }],
  ["a replica to prefer", { preferredReadReplica: 2 }],
  ["a divergence", { divergingEpoch: { epoch: 1, endOffset: 4 } }],
])("%s is news", (_, change) => {
  const { next } = opened();
  expect(named(answer(next(), { "a-1": change }))).toEqual(["a-1"]);
});

test("no replica to prefer and no divergence, spelled out, are no news", () => {
  const { next } = opened();
  const none = { preferredReadReplica: -1, divergingEpoch: { epoch: -1, endOffset: -1 } };
  expect(named(answer(next(), { "a-1": none }))).toEqual([]);
});

test("a moved high watermark is told once", () => {
  const { next } = opened();
  answer(next(), { "a-1": { highWatermark: 11 } });
  expect(named(answer(next(), { "a-1": { highWatermark: 11 } }))).toEqual([]);
});

test("an error is told each time, and so is the recovery, even if nothing else changed", () => {
  const { next } = opened();
  const failing = { "b-0": { errorCode: 6 } };
  expect(named(answer(next(), failing))).toEqual(["b-0"]);
  expect(named(answer(next(), failing))).toEqual(["b-0"]);
  expect(named(answer(next()))).toEqual(["b-0"]);
  expect(named(answer(next()))).toEqual([]);
});

test("partitions that gave records are served last the next time, so none starves", () => {
  const { next } = opened();
  answer(next(), { "a-0": { records: { byteLength: 5 } } });
  const second = next();
  expect(served(second)).toEqual(["a-1@0", "b-0@0", "a-0@0"]);
  answer(second, { "a-1": { records: { byteLength: 5 } }, "b-0": { records: { byteLength: 5 } } });
  expect(served(next())).toEqual(["a-0@0", "a-1@0", "b-0@0"]);
});

test("under a limit that lets one partition through, each gets its turn", () => {
  const { next } = opened();
  const turns: string[] = [];
  for (let poll = 0; poll < 6; poll += 1) {
    const fetch = next();
    const first = served(fetch)[0]!.split("@")[0]!;
    turns.push(first);
    answer(fetch, { [first]: { records: { byteLength: 5 } } });
  }
  expect(turns).toEqual(["a-0", "a-1", "b-0", "a-0", "a-1", "b-0"]);
});

test("the answer to a partition forgotten meanwhile does not bring it back", () => {
  const { cache, next } = opened();
  const parked = next();
  const partitions = [...parked.partitions];
  resolved(cache, request(1, 2, {}, { a: [0] }));
  shapeFetchResponse(
    parked,
    partitions.map((wanted) => ({ wanted, answer: { ...quiet, records: { byteLength: 1 } } })),
  );
  expect(served(parked)).toEqual(["a-1@0", "b-0@0"]);
});
