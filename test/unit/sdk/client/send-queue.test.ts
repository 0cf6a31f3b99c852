import { expect, test } from "vitest";
import type { Pending } from "../../../../sdk/src/client/send-queue.ts";
import { createSendQueue } from "../../../../sdk/src/client/send-queue.ts";
import { MyelinError } from "../../../../sdk/src/errors.ts";

/** A queue whose requests wait until the test answers them. */
function heldQueue(limits: { maxRequestBytes?: number; maxQueuedBytes?: number } = {}) {
  const requests: { items: string[]; answer: () => void; fail: (error: MyelinError) => void }[] =
    [];
  const queue = createSendQueue<string, string>({
    lingerMs: 0,
    maxRequestBytes: limits.maxRequestBytes ?? 100,
    maxQueuedBytes: limits.maxQueuedBytes ?? 1_000,
    send: (batch: readonly Pending<string, string>[]) =>
      new Promise((done) => {
        requests.push({
          items: batch.map(({ item }) => item),
          answer() {
            for (const { item, resolve } of batch) resolve(`${item} sent`);
            done();
          },
          fail(error) {
            for (const { reject } of batch) reject(error);
            done();
          },
        });
      }),
  });
  return { queue, requests };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("what comes while a request is under way goes together in the next", async () => {
  const { queue, requests } = heldQueue();
  const first = queue.add("a", 1);
  const others = [queue.add("b", 1), queue.add("c", 1)];
  expect(requests.map(({ items }) => items)).toEqual([["a"]]);
  requests[0]?.answer();
  expect(await first).toBe("a sent");
  await turn();
  expect(requests.map(({ items }) => items)).toEqual([["a"], ["b", "c"]]);
  requests[1]?.answer();
  expect(await Promise.all(others)).toEqual(["b sent", "c sent"]);
});

test("a request holds no more than its limit, but always one item", async () => {
  const { queue, requests } = heldQueue({ maxRequestBytes: 10 });
  const sent = [queue.add("first", 1), queue.add("a", 6), queue.add("b", 6), queue.add("big", 50)];
  for (let index = 0; index < 4; index++) {
    requests[index]?.answer();
    await turn();
  }
  await Promise.all(sent);
  expect(requests.map(({ items }) => items)).toEqual([["first"], ["a"], ["b"], ["big"]]);
});

test("more than may be queued is refused, and taken again once there is room", async () => {
  const { queue, requests } = heldQueue({ maxQueuedBytes: 10 });
  const first = queue.add("a", 8);
  expect(queue.isFull).toBe(true);
  await expect(queue.add("b", 8)).rejects.toMatchObject({ code: "QUEUE_FULL", retriable: true });
  requests[0]?.answer();
  await first;
  await turn();
  expect(queue.isFull).toBe(false);
  const again = queue.add("b", 8);
  requests[1]?.answer();
  expect(await again).toBe("b sent");
});

test("a failed request does not hold up the next", async () => {
  const { queue, requests } = heldQueue();
  const first = queue.add("a", 1);
  const second = queue.add("b", 1);
  requests[0]?.fail(new MyelinError("NETWORK", "gone"));
  await expect(first).rejects.toMatchObject({ code: "NETWORK" });
  await turn();
  requests[1]?.answer();
  expect(await second).toBe("b sent");
});

test("flush resolves once everything is settled, without waiting for the linger", async () => {
  const sent: string[] = [];
  const queue = createSendQueue<string, void>({
    lingerMs: 1_000_000,
    maxRequestBytes: 100,
    maxQueuedBytes: 100,
    async send(batch) {
      for (const { item, resolve } of batch) {
        sent.push(item);
        resolve();
      }
    },
  });
  void queue.add("a", 1);
  void queue.add("b", 1);
  expect(sent).toEqual([]);
  await queue.flush();
  expect(sent).toEqual(["a", "b"]);
});

test.each([0, 1, 2, 3, 4, 5, 6, 7, 8])(
  "what is added %i turns after a request's end is sent, however close to it",
  async (turns) => {
    const { queue, requests } = heldQueue();
    void queue.add("a", 1);
    requests[0]?.answer();
    for (let each = 0; each < turns; each++) await Promise.resolve();
    void queue.add("b", 1);
    await turn();
    expect(requests.map(({ items }) => items)).toEqual([["a"], ["b"]]);
  },
);
