import { expect, test } from "vitest";
import { createMemoryDisk } from "../../../../adapters/memory/disk.ts";
import type { PartitionLog } from "../../../../broker/log/partition-log.ts";
import { ResponseWriter } from "../../../../broker/server/response-writer.ts";
import { createSimulatedSocket } from "../../../support/simulated-socket.ts";
import { appendCommitted, createLog, openTestStore, turns } from "../log/store-fixture.ts";

const kib = 1024;
const config = {
  ringBytes: 512 * kib,
  chunkBytes: 32 * kib,
  fileBytes: 256 * kib,
  readBytes: 128 * kib,
};
/** A ring, and spares for a quarter of it. */
const ringBound = config.ringBytes * 1.25;

type Reader = {
  socket: ReturnType<typeof createSimulatedSocket>;
  expected: Buffer;
  isGivenUp: boolean;
};

/** One that asks for everything from `offset` on and takes nothing of it yet. */
async function startReader(log: PartitionLog, offset: number, expected: Buffer): Promise<Reader> {
  const found = await log.read({
    fromOffset: offset,
    maxBytes: 1e9,
    upToOffset: log.logEndOffset,
    atLeastOneBatch: true,
  });
  if (found.kind !== "data") throw new Error(found.kind);
  const socket = createSimulatedSocket(0);
  const reader = { socket, expected, isGivenUp: false };
  const writer = new ResponseWriter(socket.connection, {
    writeBytes: 64 * kib,
    taken: () => undefined,
    broken() {
      reader.isGivenUp = true;
      writer.close();
      socket.connection.destroy();
    },
  });
  const { records } = found;
  writer.push({ parts: [records], byteLength: records.byteLength, sent: () => undefined });
  writer.flush();
  return reader;
}

/** The batch at the log's end, read while memory has it. */
async function lastBatch(log: PartitionLog): Promise<Uint8Array> {
  for await (const batch of log.readBatches(log.logEndOffset - 1, log.logEndOffset)) return batch;
  throw new Error("nothing is there");
}

test("lagging, slow and fast readers together hold no more than ring and read buffers, and what arrives is right", async () => {
  const { store, clock } = await openTestStore(createMemoryDisk(), config);
  const log = createLog(store);
  /** What readers must get, byte for byte: one batch per offset. */
  const stored: Uint8Array[] = [];
  // Small batches, which are copied, and ones larger than any buffer, between which readers stop.
  const append = async (count: number): Promise<void> => {
    for (let number = 0; number < count; number += 1) {
      const size = number % 5 === 4 ? 90_000 : 1_000;
      await appendCommitted(store, log, [`${log.logEndOffset} `.repeat(size / 4)]);
      stored.push(await lastBatch(log));
    }
  };
  await append(50);
  const readers: Reader[] = [];
  const check = (): void => {
    const { ringBytes, sparesInUse, readBytes } = store.statistics();
    expect(ringBytes + sparesInUse * config.chunkBytes).toBeLessThanOrEqual(ringBound);
    expect(readBytes).toBeLessThanOrEqual(config.readBytes);
  };
  for (let round = 0; round < 8; round += 1) {
    const hotStart = log.logEndOffset - 12;
    const all = Buffer.concat(stored);
    const hot = Buffer.concat(stored.slice(hotStart));
    for (let count = 0; count < 5; count += 1) {
      readers.push(await startReader(log, 0, all));
      readers.push(await startReader(log, hotStart, hot));
    }
    await append(15);
    for (const [number, { socket }] of readers.entries()) {
      // A third never takes anything, a third little, a third what there is.
      if (number % 3 === 1) socket.drain(0);
      if (number % 3 === 2) socket.drain(Infinity);
    }
    await turns(20);
    check();
    await clock.advance(2_000);
    await turns(20);
    check();
  }
  // Now everyone takes all; those who wait for memory get it from those before them.
  for (let round = 0; round < 400; round += 1) {
    for (const { socket } of readers) socket.drain(Infinity);
    await turns(1);
  }
  const served = readers.filter(({ isGivenUp }) => !isGivenUp);
  for (const { socket, expected } of served) {
    expect(socket.received().equals(expected)).toBe(true);
  }
  // What was sent of the others is right as far as it goes.
  for (const { socket, expected } of readers) {
    const received = socket.received();
    expect(received.equals(expected.subarray(0, received.length))).toBe(true);
  }
  expect(served.length).toBeGreaterThan(readers.length / 3);
  expect(store.statistics()).toMatchObject({ readBytes: 0, pinnedChunks: 0, sparesInUse: 0 });
  await store.close();
});
