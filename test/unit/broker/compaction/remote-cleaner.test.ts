import { expect, test } from "vitest";
import {
  CleanerLostError,
  createCleaner,
  createInlinePlace,
  type CleaningPlace,
} from "../../../../broker/compaction/remote-cleaner.ts";
import { batch, clean, jobWith, record, split } from "./cleaning-fixture.ts";

const log = () => [batch(0, [record("a", "1"), record("b", "1")]), batch(2, [record("a", "2")])];

test("a cleaner elsewhere gives what the cleaner gives", async () => {
  const cleaner = createCleaner(createInlinePlace);
  const expected = clean(log());
  for (let round = 0; round < 2; round++) {
    const run = await cleaner.start(jobWith());
    for (const bytes of log()) expect(await run.map(bytes)).toMatchObject({ kind: "mapped" });
    const out: Uint8Array[] = [];
    for (const bytes of log()) {
      const rewritten = await run.rewrite(bytes);
      if (rewritten.kind === "rewritten") out.push(...split(rewritten.bytes));
    }
    expect(out).toEqual(expected.batches);
    expect(await run.end()).toEqual(expected.summary);
  }
  await cleaner.close();
});

test("a failure is an answer, and the run can only be given up then", async () => {
  const cleaner = createCleaner(createInlinePlace);
  const run = await cleaner.start(jobWith());
  const broken = batch(0, [record("a", "1")]);
  broken[70]! ^= 1;
  expect(await run.map(broken)).toMatchObject({ kind: "corruptState", offset: 0 });
  await run.giveUp();
  await run.giveUp();
  const next = await cleaner.start(jobWith());
  expect(await next.map(log()[0]!)).toMatchObject({ kind: "mapped", mappedEnd: 2 });
  await expect(run.end()).rejects.toThrow(CleanerLostError);
  await cleaner.close();
  await expect(next.end()).rejects.toThrow(CleanerLostError);
  await expect(cleaner.start(jobWith())).rejects.toThrow("closed");
});

test("one run at a time", async () => {
  const cleaner = createCleaner(createInlinePlace);
  const run = await cleaner.start(jobWith());
  await expect(cleaner.start(jobWith())).rejects.toThrow("one run at a time");
  await run.giveUp();
  await cleaner.start(jobWith());
  await cleaner.close();
});

test("a place that is lost takes its run along, and the next run has another", async () => {
  let opened = 0;
  let closed = 0;
  const open = (): CleaningPlace => {
    const place = createInlinePlace();
    opened += 1;
    const isFirst = opened === 1;
    return {
      call(request) {
        if (isFirst && request.kind === "map") return Promise.reject(new Error("struck"));
        return place.call(request);
      },
      close() {
        closed += 1;
        return Promise.resolve();
      },
    };
  };
  const cleaner = createCleaner(open);
  const run = await cleaner.start(jobWith());
  const lost = await run.map(log()[0]!).catch((error: unknown) => error);
  expect(lost).toBeInstanceOf(CleanerLostError);
  expect((lost as CleanerLostError).cause).toMatchObject({ message: "struck" });
  await expect(run.rewrite(log()[0]!)).rejects.toThrow(CleanerLostError);
  await run.giveUp();
  const next = await cleaner.start(jobWith());
  expect(await next.map(log()[0]!)).toMatchObject({ mappedEnd: 2 });
  expect([opened, closed]).toEqual([2, 1]);
  await cleaner.close();
  expect(closed).toBe(2);
});
