import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { afterAll, expect, test } from "vitest";
import { createMemoryDisk } from "../../../adapters/memory/disk.ts";
import { createMemoryMetadataStore } from "../../../adapters/memory/metadata-log.ts";
import { createMemoryObjectStore } from "../../../adapters/memory/object-store.ts";
import { createNodeDisk } from "../../../adapters/node/disk.ts";
import {
  deleteRecordsRequest,
  deleteRecordsResponse,
} from "../../../protocol/messages/delete-records.ts";
import { errorCodes } from "../../../protocol/errors.ts";
import { buildBatch } from "../../../protocol/records/build.ts";
import { fetchOne, produceOne } from "../../support/kafka-calls.ts";
import { startMemoryBroker, type MemoryBroker } from "../../support/memory-broker.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

// A real file system that is really full: 40 MB of memory, mounted for the test. The broker is whole, but for sockets and the metadata log.

const megabyte = 1024 * 1024;
const owned = temporaryDirectory();
const mountPoint = `${owned.path}/disk`;
const isMounted = mount();
let running: MemoryBroker | null = null;
const disk = createNodeDisk();

function mount(): boolean {
  try {
    mkdirSync(mountPoint);
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=40m", "tmpfs", mountPoint], {
      stdio: "pipe",
    });
    return true;
  } catch (error) {
    console.warn(`the full disk is not tested, for none can be mounted here: ${String(error)}`);
    return false;
  }
}

afterAll(async () => {
  await running?.close();
  await disk.close();
  if (isMounted) execFileSync("umount", ["-l", mountPoint]);
  owned[Symbol.dispose]();
});

const start = (minFreeBytes: number): Promise<MemoryBroker> =>
  startMemoryBroker({
    world: {
      // Crashing and failing are left to the real disk.
      disk: { ...createMemoryDisk(), ...disk },
      metadata: createMemoryMetadataStore(),
      objects: createMemoryObjectStore(),
      startMs: Date.UTC(2026, 0, 1),
      seed: 1,
    },
    config: {
      directory: `${mountPoint}/broker-${minFreeBytes}`,
      log: {
        ringBytes: 4 * megabyte,
        chunkBytes: megabyte / 2,
        fileBytes: 2 * megabyte,
        poolFiles: 1,
        minFreeBytes,
      },
    },
  });

const recordsOf = (text: string): Uint8Array =>
  buildBatch([{ key: null, value: Buffer.from(text.padEnd(100_000, ".")), timestamp: 1 }]);

const textAt = async (broker: MemoryBroker, offset: number): Promise<string> => {
  const { records } = await fetchOne(broker, { topic: "t", offset });
  if (!(records instanceof Uint8Array)) throw new Error(`nothing at ${offset}`);
  return (
    Buffer.from(records)
      .toString("latin1")
      .match(/record \d+/)?.[0] ?? ""
  );
};

/** Produces until it is refused; resolves with the number acknowledged. */
async function fill(
  broker: MemoryBroker,
  from: number,
): Promise<{ end: number; errorCode: number }> {
  for (let end = from; ; end += 1) {
    const records = recordsOf(`record ${end}`);
    const produced = await produceOne(broker, { topic: "t", records, timeoutMs: 2_000 });
    if (produced.errorCode !== errorCodes.NONE) return { end, errorCode: produced.errorCode };
    expect(produced.baseOffset).toBe(end);
    if (end > from + 1_000) throw new Error("a disk of 40 MB never filled");
  }
}

/** Waits until produce is taken again. */
async function produceAgain(broker: MemoryBroker, text: string): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const produced = await produceOne(broker, { topic: "t", records: recordsOf(text) });
    if (produced.errorCode === errorCodes.NONE) return produced.baseOffset;
    await broker.clock.advance(1_000);
    await new Promise((done) => setTimeout(done, 20));
  }
  throw new Error("produce is not taken again");
}

const retriable: readonly number[] = [
  errorCodes.KAFKA_STORAGE_ERROR,
  errorCodes.NOT_LEADER_OR_FOLLOWER,
  errorCodes.REQUEST_TIMED_OUT,
];

test.skipIf(!isMounted).each([
  ["below the watermark", 4 * megabyte],
  ["to the last byte", 0],
])(
  "a disk full %s: produce is refused, reads go on, and it recovers",
  async (_name, minFreeBytes) => {
    const broker = (running = await start(minFreeBytes));
    await broker.createTopic("t");

    const filled = await fill(broker, 0);
    expect(retriable).toContain(filled.errorCode);
    expect(filled.end).toBeGreaterThan(150);
    expect(broker.fatalErrors).toEqual([]);

    expect(await textAt(broker, 0)).toBe("record 0");
    expect(await textAt(broker, filled.end - 1)).toBe(`record ${filled.end - 1}`);

    const deleted = await broker.call(deleteRecordsRequest, deleteRecordsResponse, 2, {
      topics: [{ name: "t", partitions: [{ partitionIndex: 0, offset: filled.end - 20 }] }],
      timeoutMs: 5_000,
    });
    expect(deleted.topics[0]?.partitions[0]).toMatchObject({
      errorCode: 0,
      lowWatermark: filled.end - 20,
    });
    await broker.services.store.reclaim();

    const offset = await produceAgain(broker, `record ${filled.end}`);
    expect(offset).toBe(filled.end);
    expect(await textAt(broker, filled.end)).toBe(`record ${filled.end}`);
    expect(await textAt(broker, filled.end - 20)).toBe(`record ${filled.end - 20}`);
    expect(broker.fatalErrors).toEqual([]);
    await broker.close();
    running = null;
    rmSync(`${mountPoint}/broker-${minFreeBytes}`, { recursive: true });
  },
);

test.skipIf(!isMounted)(
  "somebody else fills the disk and frees it again: the broker goes on by itself",
  async () => {
    const broker = (running = await start(2 * megabyte));
    await broker.createTopic("t");
    expect(await produceAgain(broker, "record 0")).toBe(0);
    const { bavail, bsize } = statfsSync(mountPoint);
    writeFileSync(`${mountPoint}/hog`, Buffer.alloc(bavail * bsize - 64 * 1024, 1));

    const filled = await fill(broker, 1);
    expect(retriable).toContain(filled.errorCode);
    expect(await textAt(broker, 0)).toBe("record 0");

    rmSync(`${mountPoint}/hog`);
    expect(await produceAgain(broker, `record ${filled.end}`)).toBe(filled.end);
    for (let offset = 0; offset <= filled.end; offset += 1) {
      expect(await textAt(broker, offset)).toBe(`record ${offset}`);
    }
    expect(broker.fatalErrors).toEqual([]);
    await broker.close();
    running = null;
  },
);
