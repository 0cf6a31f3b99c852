import { describe, expect, test } from "vitest";
import type { Operation, OperationList } from "../../../../functions/api-types.ts";
import { createCellFixture } from "../cell-fixture.ts";
import type { CellFixture } from "../cell-fixture.ts";

async function withDrain() {
  const cell = await createCellFixture(4);
  await cell.place("orders", [1, 2, 3], [1, 2, 3]);
  const { body: drain } = await cell.call<Operation>("POST /v1/cell/brokers/1:drain");
  return { ...cell, drain, path: `/v1/cell/operations/${drain.id}` };
}

describe("operations", () => {
  test("are all that is under way, whoever began it, in the order of their ids", async () => {
    const { call, grow, operations, drain } = await withDrain();
    expect(await operations()).toEqual([drain]);
    await grow();
    expect((await operations()).map(({ kind }) => kind)).toEqual(["drain", "move", "move"]);
    const only = await call<OperationList>("GET /v1/cell/operations?kind=move");
    expect(only.body.data).toHaveLength(2);
    const page = await call<OperationList>("GET /v1/cell/operations?page_size=2");
    const token = page.body.next_page_token ?? "";
    const rest = await call<OperationList>(`GET /v1/cell/operations?page_token=${token}`);
    expect([...page.body.data, ...rest.body.data]).toEqual(await operations());
  });

  test.each(["drain-1-999", "drain-9-1", "move-AAAAAAAAAAAAAAAAAAAAAA-0-1", "nope", "move-x"])(
    "%s is none that is known",
    async (id) => {
      const { refused } = await withDrain();
      const answer = await refused(`GET /v1/cell/operations/${id}`);
      expect(answer.status).toBe(404);
      expect(answer.body.detail).toContain(`no operation has the id ${id}`);
    },
  );

  test("a move that another took the place of is canceled", async () => {
    const { call, stored } = await withDrain();
    const id = `move-${stored("orders").topicId}-0-4.2.3`;
    expect((await call<Operation>(`GET /v1/cell/operations/${id}`)).body.state).toBe("canceled");
  });
});

describe("cancel", () => {
  test("takes a move back", async () => {
    const { call, refused, grow, operations, partition } = await withDrain();
    await grow();
    const [, move] = await operations();
    const canceled = await call<Operation>(`POST /v1/cell/operations/${move?.id}:cancel`);
    expect(canceled).toMatchObject({ status: 200, body: { id: move?.id, state: "canceled" } });
    expect(partition("orders", 0).adding).toEqual([]);
    const again = await call<Operation>(`POST /v1/cell/operations/${move?.id}:cancel`);
    expect(again.body.state).toBe("canceled");
    expect((await refused("POST /v1/cell/operations/drain-9-1:cancel")).status).toBe(404);
  });

  test("takes a drain back, also one that is done", async () => {
    const { call, grow, catchUp, operations, path, replica } = await withDrain();
    await grow();
    await catchUp("orders");
    expect((await operations()).map(({ state }) => state)).toEqual(["done"]);
    expect((await call<Operation>(`POST ${path}:cancel`)).body).toMatchObject({
      state: "canceled",
      progress: { done: 2, total: 2 },
    });
    expect(replica.image.brokers.get(1)?.evacuation).toBeNull();
  });

  test("of a move that is done is refused", async () => {
    const { refused, grow, catchUp, operations } = await withDrain();
    await grow();
    const [, move] = await operations();
    await catchUp("orders");
    const answer = await refused(`POST /v1/cell/operations/${move?.id}:cancel`);
    expect(answer).toMatchObject({
      status: 409,
      body: { detail: expect.stringContaining("done") },
    });
  });
});

/** What an EventSource would hear: reads as the clock goes on, a second at a time. */
async function listen({ app, clock }: CellFixture, path: string, headers: object = {}) {
  const accept = { accept: "text/event-stream", ...headers };
  const response = await app.request(path, { headers: accept });
  const reader = response.body?.getReader();
  let text = "";
  let isOver = reader === undefined;
  const pump = async (): Promise<void> => {
    for (;;) {
      const { done, value } = (await reader?.read()) ?? { done: true, value: undefined };
      if (done) break;
      text += Buffer.from(value).toString();
    }
    isOver = true;
  };
  const pumping = pump();
  return {
    response,
    text: () => text,
    isOver: () => isOver,
    states: () => [...text.matchAll(/"state":"(\w+)"/g)].map(([, state]) => state),
    pass: async (ms: number) => {
      await clock.advance(ms);
      await new Promise((resolve) => setImmediate(resolve));
    },
    leave: async () => {
      await reader?.cancel();
      await pumping;
    },
  };
}

describe("an event stream", () => {
  test("tells an operation whenever it changes, and ends with it", async () => {
    const cell = await withDrain();
    const stream = await listen(cell, cell.path);
    expect(stream.response.headers.get("content-type")).toBe("text/event-stream");
    await stream.pass(3_000);
    expect(stream.text()).toBe(
      `event: progress\nid: ${cell.replica.image.revision}\ndata: ${JSON.stringify(cell.drain)}\n\n`,
    );
    await cell.grow();
    await cell.catchUp("orders");
    await stream.pass(1_000);
    expect(stream.states()).toEqual(["running", "done"]);
    expect(stream.isOver()).toBe(true);
  });

  test("tells one that is over once, and an EventSource that asks again to stop", async () => {
    const cell = await withDrain();
    await cell.grow();
    await cell.catchUp("orders");
    const stream = await listen(cell, cell.path);
    await stream.pass(0);
    expect([stream.states(), stream.isOver()]).toEqual([["done"], true]);
    const again = await listen(cell, cell.path, { "last-event-id": "7" });
    expect(again.response.status).toBe(204);
  });

  test("ends when a drain is taken back, and after ten minutes in any case", async () => {
    const cell = await withDrain();
    const stream = await listen(cell, cell.path);
    for (let minute = 0; minute < 9; minute++) await stream.pass(60_000);
    expect(stream.isOver()).toBe(false);
    expect(stream.text().match(/still here/g)?.length).toBeGreaterThan(10);
    await stream.pass(60_000);
    await stream.pass(1_000);
    expect(stream.isOver()).toBe(true);
    const other = await listen(cell, cell.path);
    await cell.call("POST /v1/cell/brokers/1:undrain");
    await other.pass(1_000);
    expect(other.isOver()).toBe(true);
  });

  test("gives its place back when its client goes away; more than a hundred are refused", async () => {
    const cell = await withDrain();
    const streams = await Promise.all(Array.from({ length: 100 }, () => listen(cell, cell.path)));
    const refused = await cell.refused(`GET ${cell.path}`, undefined, {
      accept: "text/event-stream",
    });
    expect(refused).toMatchObject({
      status: 503,
      body: { type: "/docs/problems/too-many-streams", detail: expect.stringContaining("100") },
    });
    expect(refused.headers.get("retry-after")).toBe("10");
    await streams[0]?.leave();
    const next = await listen(cell, cell.path);
    expect(next.response.status).toBe(200);
    for (const stream of [next, ...streams.slice(1)]) await stream.leave();
  });

  test("of nothing is 404", async () => {
    const { refused } = await withDrain();
    const accept = { accept: "text/event-stream" };
    expect((await refused("GET /v1/cell/operations/drain-9-9", undefined, accept)).status).toBe(
      404,
    );
  });
});
