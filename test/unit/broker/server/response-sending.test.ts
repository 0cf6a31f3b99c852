import { afterEach, describe, expect, test } from "vitest";
import { fetchRequest, fetchResponse } from "../../../../protocol/messages/fetch.ts";
import { syncGroupRequest, syncGroupResponse } from "../../../../protocol/messages/sync-group.ts";
import { testRange } from "../../../support/handler-bench.ts";
import {
  clearStages,
  correlationIds,
  patterned,
  setStage,
  settle,
  syncOf,
} from "./server-stage.ts";

afterEach(clearStages);

describe("responses", () => {
  const versions = { fetch: 12 };
  const fetch = { maxWaitMs: 0, minBytes: 0, topics: [] };

  test.each([{ isLate: false }, { isLate: true }])(
    "ranges of the log arrive intact and are let go of ($isLate)",
    async (options) => {
      const { bench, connect } = await setStage({ writeBytes: 4096 });
      const contents = [patterned(10_000), patterned(5), patterned(100_000)];
      const made = contents.map((bytes) => testRange(bytes, options));
      bench.ranges = () => made.map(({ range }) => range);
      const client = await connect();
      const response = await client.call(fetchRequest, fetchResponse, versions.fetch, fetch);
      const received = response.responses[0]?.partitions.map(({ records }) =>
        Buffer.from(records ?? []),
      );
      expect(received).toEqual(contents.map((bytes) => Buffer.from(bytes)));
      await settle();
      for (const { state } of made) {
        expect(state).toMatchObject({ pinnedBytes: 0, releaseCount: 1 });
        expect(state.mostPinnedBytes).toBeLessThanOrEqual(4096);
      }
    },
  );

  test("a reader that stops holds one write's worth of the log, and its requests wait", async () => {
    const { bench, connect } = await setStage({ writeBytes: 4096, maxRequestsInFlight: 4 });
    const made: ReturnType<typeof testRange>[] = [];
    bench.ranges = () => {
      made.push(testRange(patterned(500_000)));
      return made.slice(-1).map(({ range }) => range);
    };
    const client = await connect();
    client.pause();
    for (let index = 0; index < 10; index++) client.send(fetchRequest, versions.fetch, fetch);
    await settle(100);
    expect(made).toHaveLength(4);
    expect(made.reduce((sum, { state }) => sum + state.pinnedBytes, 0)).toBeLessThanOrEqual(4096);
    client.resume();
    for (let index = 0; index < 10; index++) {
      expect((await client.nextFrame())?.byteLength).toBeGreaterThan(500_000);
    }
    await settle();
    for (const { state } of made) expect(state).toMatchObject({ pinnedBytes: 0, releaseCount: 1 });
  });

  test("responses held in memory stop further requests of that connection only", async () => {
    const limits = { maxWaitingResponseBytes: 100_000, maxRequestsInFlight: 1000 };
    const { connect, server } = await setStage(limits);
    const [stopped, other] = await Promise.all([connect(), connect()]);
    stopped.pause();
    for (let index = 0; index < 50; index++)
      stopped.send(syncGroupRequest, 5, syncOf(patterned(50_000)));
    await settle(100);
    const answeredCount = server.statistics.apis.get(14)?.requestCount ?? 0;
    // What the pipe takes, the limit, and what was under way when it was reached.
    expect(answeredCount).toBeLessThan(15);
    await other.call(syncGroupRequest, syncGroupResponse, 5, syncOf(patterned(10)));
    stopped.resume();
    expect(await correlationIds(stopped, 50)).toHaveLength(50);
  });

  test.each([{ isLate: false }, { isLate: true }])(
    "a connection that is lost in the middle of a response lets go of everything ($isLate)",
    async (options) => {
      const { bench, connect } = await setStage({ writeBytes: 4096 });
      const made = [1, 2, 3].map(() => testRange(patterned(500_000), options));
      bench.ranges = () => made.map(({ range }) => range);
      const client = await connect();
      client.pause();
      client.send(fetchRequest, versions.fetch, fetch);
      await settle(100);
      await client.close();
      await settle(20);
      for (const { state } of made)
        expect(state).toMatchObject({ pinnedBytes: 0, releaseCount: 1 });
    },
  );

  test.each([{ isLate: false }, { isLate: true }])(
    "a range that can not be read closes the connection, for its response can not be completed ($isLate)",
    async ({ isLate }) => {
      const { bench, connect, log } = await setStage();
      const made = testRange(patterned(1000), { isLate, fails: true });
      bench.ranges = () => [made.range];
      const client = await connect();
      client.send(fetchRequest, versions.fetch, fetch);
      await client.closed;
      await settle();
      expect(made.state).toMatchObject({ pinnedBytes: 0, releaseCount: 1 });
      expect(log.lines.some(({ level }) => level === "warn")).toBe(true);
    },
  );

  test("a stalled reader whose pin the log takes back is closed, and only then lets go", async () => {
    const { bench, connect, server } = await setStage({ writeBytes: 100_000 });
    const made = testRange(patterned(2_000_000));
    bench.ranges = () => [made.range];
    const client = await connect();
    client.pause();
    client.send(fetchRequest, versions.fetch, fetch);
    await settle(50);
    expect(made.state.pinnedBytes).toBeGreaterThan(0);
    made.giveUps.at(-1)?.();
    await settle();
    expect(made.state).toMatchObject({ pinnedBytes: 0, releaseCount: 1 });
    expect(server.statistics.closedCounts.get("response")).toBe(1);
  });
});
