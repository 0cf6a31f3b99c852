import { expect, test } from "vitest";
import { createMemoryDisk } from "../../../../adapters/memory/disk.ts";
import { createSeededRandom } from "../../../../adapters/memory/random.ts";
import { CheckpointCapture } from "../../../../broker/log/checkpoint-capture.ts";
import { decodeCheckpoint, type Checkpoint } from "../../../../broker/log/checkpoint.ts";
import { addLog, createLogTable, removeLog } from "../../../../broker/log/log-table.ts";
import type { LogContext } from "../../../../broker/log/stored-log.ts";
import {
  appendCommitted,
  createLog,
  directory,
  findLog,
  openTestStore,
  readRecords,
  turns,
} from "./store-fixture.ts";

const context = {
  producerLimits: { expirationMs: 1, maxProducers: 1, budget: { used: 0, limit: 1 } },
} as LogContext;

const position = { sequence: 7, previousSequence: 6, previousEnd: 80, files: [3, 6] };

function someLogs(count: number) {
  const table = createLogTable();
  for (let number = 1; number <= count; number += 1) {
    const log = addLog(table, context, { topicId: "topic", index: number, number });
    log.nextOffset = number * 10;
  }
  return table;
}

function decoded(parts: readonly Uint8Array[]): Checkpoint {
  const checkpoint = decodeCheckpoint(Buffer.concat(parts));
  if (checkpoint === null) throw new Error("the parts are no checkpoint");
  return checkpoint;
}

test("a capture in parts says what was when it began, whatever has changed since", () => {
  const table = someLogs(500);
  const capture = new CheckpointCapture(table, position);
  const parts: Uint8Array[] = [];
  const random = createSeededRandom(5);
  for (let round = 0; ; round += 1) {
    for (const number of [1, 250, 1 + Math.floor(random.float() * 500)]) {
      const log = table.byNumber.get(number);
      if (log === undefined) continue;
      capture.keep(number);
      log.nextOffset += 1;
      if (round === 2) removeLog(table, log);
    }
    const number = 1_000 + round;
    capture.keep(number);
    addLog(table, context, { topicId: "later", index: round, number }).nextOffset = 5;
    const part = capture.nextPart(2_000);
    if (part === null) break;
    parts.push(...part);
  }
  expect(parts.length).toBeGreaterThan(10);
  const { logs, ...rest } = decoded(parts);
  expect(rest).toEqual({ ...position, nextNumber: 501 });
  expect(logs.toSorted((left, right) => left.number - right.number)).toMatchObject(
    Array.from({ length: 500 }, (_, at) => ({ number: at + 1, nextOffset: (at + 1) * 10 })),
  );
});

test("a log that changes without a word is found out, not stored half of one time and half of another", () => {
  const table = someLogs(3);
  const capture = new CheckpointCapture(table, position);
  table.byNumber.get(2)!.nextOffset += 1;
  expect(() => capture.nextPart(1_000_000)).toThrow(/behind the entry/);
});

test("without logs there is a checkpoint too", () => {
  const capture = new CheckpointCapture(createLogTable(), position);
  const parts = [...capture.nextPart(10)!];
  expect(capture.nextPart(10)).toBe(null);
  expect(decoded(parts).logs).toEqual([]);
});

test("a crash at any moment while a checkpoint of many logs is being written loses nothing", async () => {
  const random = createSeededRandom(11);
  let disk = createMemoryDisk();
  const ends = new Map<number, number>();
  const logCount = 300;
  let stored = 0;
  for (let life = 0; life < 8; life += 1) {
    const { store } = await openTestStore(disk, {
      fileBytes: 128 * 1024,
      chunkBytes: 32 * 1024,
      ringBytes: 256 * 1024,
    });
    for (let index = 0; index < logCount; index += 1) {
      const log = life === 0 ? createLog(store, "topic", index) : findLog(store, "topic", index);
      expect(log.failure).toBe(null);
      expect(log.nextOffset).toBe(ends.get(index) ?? 0);
    }
    const before = (await disk.readFile(`${directory}/checkpoint`))!;
    const appends = 200 + Math.floor(random.float() * 200);
    for (let count = 0; count < appends; count += 1) {
      const index = Math.floor(random.float() ** 2 * logCount);
      const log = store.partition("topic", index)!;
      const value = `${index} ${log.nextOffset} ${"c".repeat(900)}`;
      await appendCommitted(store, log, [value], {
        producer: { id: index % 90, epoch: 0, sequence: log.nextOffset },
      });
      ends.set(index, log.nextOffset);
      if (random.float() < 0.01) await log.moveLogStart(log.highWatermark);
    }
    await turns(Math.floor(random.float() * 30));
    const after = (await disk.readFile(`${directory}/checkpoint`))!;
    if (!Buffer.from(before).equals(after)) stored += 1;
    disk = disk.crash(random.float() < 0.5 ? {} : { lostUnflushed: true });
  }
  expect(stored).toBeGreaterThan(4);
  const { store } = await openTestStore(disk);
  for (const [index, end] of ends) {
    const log = findLog(store, "topic", index);
    const records = await readRecords(log);
    expect(records.map(({ offset }) => offset)).toEqual(
      Array.from({ length: end - log.logStartOffset }, (_, at) => log.logStartOffset + at),
    );
    for (const { offset, value } of records) {
      expect(value.startsWith(`${index} ${offset} `)).toBe(true);
    }
  }
});
