import { expect, onTestFinished, test } from "vitest";
import { startCompactionThread } from "../../../../adapters/node/compaction-thread.ts";
import type {
  CleaningAnswer,
  CleaningRequest,
} from "../../../../broker/compaction/cleaning-desk.ts";
import { CleanerLostError, createCleaner } from "../../../../broker/compaction/remote-cleaner.ts";
import { batch, clean, jobWith, record, split } from "../../broker/compaction/cleaning-fixture.ts";

const start = () => startCompactionThread<CleaningRequest, CleaningAnswer>();

const newCleaner = () => {
  const cleaner = createCleaner(start);
  onTestFinished(() => cleaner.close());
  return cleaner;
};

const log = () => [
  batch(0, [record("a", "1"), record("b", "1"), record("b", null)], { codec: "zstd" }),
  batch(3, [record("a", "2")]),
];

/** Bytes that are the whole of their buffer. */
const whole = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => new Uint8Array(bytes);

test("a run on a thread gives what it gives here", async () => {
  const cleaner = newCleaner();
  const run = await cleaner.start(jobWith({ deleteRetentionMs: Infinity }));
  const expected = clean(log(), { deleteRetentionMs: Infinity });
  for (const bytes of log()) await run.map(whole(bytes));
  const out: Uint8Array[] = [];
  for (const bytes of log()) {
    const rewritten = await run.rewrite(whole(bytes));
    if (rewritten.kind === "rewritten") out.push(...split(rewritten.bytes));
  }
  expect(out).toEqual(expected.batches);
  expect(await run.end()).toEqual(expected.summary);
});

test("bytes that are the whole of their buffer move there and back; others stay whole here", async () => {
  const cleaner = newCleaner();
  const run = await cleaner.start(jobWith());
  const given = whole(log()[1]!);
  await run.map(given);
  expect(given.buffer.detached).toBe(true);
  const before = whole(log()[1]!);
  const kept = await run.rewrite(before);
  expect(kept.kind === "rewritten" && kept.bytes).toEqual(whole(log()[1]!));
  await expect(run.map(given)).rejects.toThrow(CleanerLostError);

  const next = await cleaner.start(jobWith());
  const larger = Buffer.concat([log()[0]!, log()[1]!]);
  const copy = Buffer.from(larger);
  await next.map(larger.subarray(0, log()[0]!.length));
  const shared = new Uint8Array(new SharedArrayBuffer(log()[1]!.length));
  shared.set(log()[1]!);
  expect(await next.map(shared)).toMatchObject({ kind: "mapped", mappedEnd: 4 });
  expect(larger.equals(copy)).toBe(true);
  expect(shared).toHaveLength(log()[1]!.length);
});

test("a thread that falls over takes its run along, and the next run gets another", async () => {
  const cleaner = newCleaner();
  const run = await cleaner.start(jobWith());
  // An assertion over there: bytes are never rewritten by a run that has failed, nor is one ended.
  const broken = whole(log()[1]!);
  broken[70]! ^= 1;
  expect(await run.map(broken)).toMatchObject({ kind: "corruptState" });
  const lost = await run.end().catch((error: unknown) => error);
  expect(lost).toBeInstanceOf(CleanerLostError);
  expect((lost as CleanerLostError).cause).toMatchObject({
    message: "invariant broken: a run that went well, once",
  });
  const next = await cleaner.start(jobWith());
  expect(await next.map(whole(log()[0]!))).toMatchObject({ kind: "mapped" });
});

test("a thread whose map does not fit into memory is lost, not the process", async () => {
  const cleaner = newCleaner();
  const impossible = cleaner.start(jobWith({ mapMemoryBytes: 2 ** 40 * 24 }));
  await expect(impossible).rejects.toThrow(CleanerLostError);
});

test("a thread that is closed in the middle of a call rejects it, and each later one", async () => {
  const thread = start();
  const call = thread.call({ kind: "start", job: jobWith() });
  const closed = thread.close();
  await expect(call).rejects.toThrow("was closed");
  await closed;
  await expect(thread.call({ kind: "end" })).rejects.toThrow("was closed");
});

test("a thread whose file is missing is lost at the first call", async () => {
  const thread = startCompactionThread<CleaningRequest, CleaningAnswer>(
    new URL("./no-such-worker.ts", import.meta.url),
  );
  await expect(thread.call({ kind: "end" })).rejects.toThrow("no-such-worker");
  await thread.close();
});
