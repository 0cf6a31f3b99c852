import { expect, onTestFinished, test } from "vitest";
import { createManualClock } from "../../../../adapters/memory/clock.ts";
import { createProducerState } from "../../../../broker/log/producer-state.ts";
import type { ProducerState } from "../../../../broker/log/producer-state.ts";
import { readProducersAnew } from "../../../../broker/log/read-producers-anew.ts";
import type { StoredLog } from "../../../../broker/log/stored-log.ts";
import { silentLog } from "../../../../broker/log-output.ts";

const limits = { expirationMs: 1_000, maxProducers: 10, budget: { used: 0, limit: 10 } };

function scene() {
  const clock = createManualClock();
  onTestFinished(() => clock.close());
  const asked: PromiseWithResolvers<ProducerState>[] = [];
  const log = {
    failure: null,
    isDropped: false,
    isRebuilding: true,
    rebuildRound: 0,
    producers: createProducerState(limits),
    context: {
      wal: { isDead: false, isClosed: false, clock, log: silentLog },
      rebuildProducers: () => {
        const answer = Promise.withResolvers<ProducerState>();
        asked.push(answer);
        return answer.promise;
      },
    },
  };
  return { clock, asked, log, read: () => readProducersAnew(log as unknown as StoredLog) };
}

test("a read that failed is tried again", async () => {
  const { clock, asked, log, read } = scene();
  read();
  asked[0]!.reject(new Error("a disk error"));
  await clock.advance(1_000);
  expect(asked).toHaveLength(2);
  const state = createProducerState(limits);
  asked[1]!.resolve(state);
  await clock.advance(0);
  expect(log).toMatchObject({ isRebuilding: false });
  expect(log.producers).toBe(state);
});

test("a read that failed is not tried again where a later one has told", async () => {
  const { clock, asked, log, read } = scene();
  read();
  asked[0]!.reject(new Error("a disk error"));
  await clock.advance(500);
  // The log is cut once more.
  read();
  const state = createProducerState(limits);
  asked[1]!.resolve(state);
  await clock.advance(5_000);
  expect(asked).toHaveLength(2);
  expect(log.producers).toBe(state);
});
