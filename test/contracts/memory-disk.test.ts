import { describe, expect, test } from "vitest";
import type { CrashOptions, MemoryDisk } from "../../adapters/memory/disk.ts";
import { createMemoryDisk } from "../../adapters/memory/disk.ts";
import type { DiskFile } from "../../ports/disk.ts";
import { bytesOf, contentOf, failure, textOf } from "./disk.ts";

const path = "/data/wal";

async function withFile(disk: MemoryDisk = createMemoryDisk()): Promise<DiskFile> {
  await disk.makeDirectory("/data");
  return disk.open(path, { create: true });
}

async function contentAfter(disk: MemoryDisk, crash?: CrashOptions): Promise<Uint8Array> {
  const bytes = await disk.crash(crash).readFile(path);
  return bytes ?? new Uint8Array(0);
}

const seeds = Array.from({ length: 40 }, (_, index) => index + 1);

describe("a crash of a disk in memory", () => {
  test("of the process leaves everything written, under the same boot", async () => {
    const disk = createMemoryDisk();
    const file = await withFile(disk);
    const bootId = await disk.bootId("/");
    await file.write([bytesOf("written")], 0);
    const next = disk.crash();
    expect(textOf(await next.readFile(path))).toBe("written");
    expect(await next.bootId("/")).toBe(bootId);
  });

  test("of the host leaves what was flushed, overwritten bytes included, under another boot", async () => {
    const disk = createMemoryDisk();
    const file = await withFile(disk);
    const bootId = await disk.bootId("/");
    await file.write([bytesOf("flushed")], 0);
    await file.flush();
    await file.write([bytesOf("FL")], 0);
    await file.write([new Uint8Array(20_000).fill(1)], 5);
    const next = disk.crash({ lostUnflushed: true });
    expect(textOf(await next.readFile(path))).toBe("flushed");
    expect(await next.bootId("/")).not.toBe(bootId);
  });

  test("ends the old disk: its calls reject and its locks are free", async () => {
    const disk = createMemoryDisk();
    const file = await withFile(disk);
    await disk.lock("/data/lock");
    const pending = file.write([bytesOf("too late")], 0);
    const next = disk.crash();
    await expect(pending).rejects.toMatchObject(failure("io"));
    await expect(file.flush()).rejects.toMatchObject(failure("io"));
    await expect(disk.readFile(path)).rejects.toMatchObject(failure("io"));
    expect(await next.lock("/data/lock")).not.toBeNull();
    expect(textOf(await next.readFile(path))).toBe("");
  });

  test("that tears leaves a prefix of the last write over what was there, of every length in time", async () => {
    const lengths = new Set<number>();
    for (const seed of seeds) {
      const disk = createMemoryDisk();
      const file = await withFile(disk);
      await file.write([bytesOf("0123456789")], 0);
      await file.write([bytesOf("abcdefgh")], 6);
      const text = textOf(await contentAfter(disk, { tornTail: true, seed }));
      const kept = /[a-h]*/.exec(text.slice(6))?.[0].length ?? 0;
      lengths.add(kept);
      const rest = "6789".slice(kept);
      expect(text).toBe(`012345${"abcdefgh".slice(0, kept)}${rest}`);
    }
    expect(lengths.size).toBeGreaterThan(5);
  });

  test("that tears may have the last write though a flush beside it is over", async () => {
    const texts = new Set<string>();
    for (const seed of seeds) {
      const disk = createMemoryDisk();
      const file = await withFile(disk);
      await file.write([bytesOf("0123")], 0);
      const release = disk.faults.hold("flush");
      const flush = file.flush({ besideWrites: true });
      await file.write([bytesOf("ab")], 4);
      release();
      await flush;
      texts.add(textOf(await contentAfter(disk, { tornTail: true, seed })));
    }
    expect([...texts].toSorted()).toEqual(["0123", "0123a"]);
  });

  test("of the host that tears leaves a prefix of what was not flushed", async () => {
    const ends = new Set<number>();
    for (const seed of seeds) {
      const disk = createMemoryDisk();
      const file = await withFile(disk);
      await file.write([new Uint8Array(6_000).fill(1)], 0);
      await file.flush();
      for (let round = 0; round < 10; round++) {
        await file.write([new Uint8Array(3_000).fill(2)], 6_000 + round * 3_000);
      }
      const bytes = await contentAfter(disk, { lostUnflushed: true, tornTail: true, seed });
      expect(bytes.subarray(0, 6_000).every((byte) => byte === 1)).toBe(true);
      expect(bytes.subarray(6_000).every((byte) => byte === 2)).toBe(true);
      ends.add(bytes.byteLength);
    }
    expect(ends.size).toBeGreaterThan(10);
    expect(Math.min(...ends)).toBeGreaterThanOrEqual(6_000);
  });

  test("that persists pages out of order keeps some later ones and loses some earlier, never what was flushed", async () => {
    let lostBeforeKept = 0;
    for (const seed of seeds) {
      const disk = createMemoryDisk();
      const file = await withFile(disk);
      await file.write([new Uint8Array(4_096).fill(1)], 0);
      await file.flush();
      await file.write([new Uint8Array(10 * 4_096).fill(2)], 4_096);
      const bytes = await contentAfter(disk, { reorderPages: true, seed });
      expect(bytes.subarray(0, 4_096).every((byte) => byte === 1)).toBe(true);
      const pages = Array.from(
        { length: bytes.byteLength / 4_096 },
        (_, page) => bytes[page * 4_096],
      );
      const firstLost = pages.indexOf(0);
      if (firstLost > 0 && pages.lastIndexOf(2) > firstLost) lostBeforeKept++;
    }
    expect(lostBeforeKept).toBeGreaterThan(10);
  });

  test("repeats for the same seed", async () => {
    const contents = await Promise.all(
      [9, 9].map(async (seed) => {
        const disk = createMemoryDisk();
        const file = await withFile(disk);
        await file.write([new Uint8Array(50_000).fill(3)], 0);
        return contentAfter(disk, { reorderPages: true, seed });
      }),
    );
    expect(contents[0]).toEqual(contents[1]);
  });

  test("keeps files replaced, renamed and removed as they were answered", async () => {
    const disk = createMemoryDisk();
    await withFile(disk);
    await disk.writeFile("/data/a", bytesOf("a"));
    await disk.writeFile("/data/b", bytesOf("b"));
    await disk.rename("/data/b", "/data/c");
    await disk.remove("/data/a");
    const next = disk.crash({ lostUnflushed: true });
    expect(await next.list("/data")).toEqual(["c", "wal"]);
  });
});

test("pages whose flush failed stay readable, and no later flush saves them unless they are written again", async () => {
  const disk = createMemoryDisk();
  const file = await withFile(disk);
  const page = 4_096;
  await file.write([new Uint8Array(2 * page).fill(1)], 0);
  disk.faults.failNext("flush");
  await expect(file.flush()).rejects.toMatchObject(failure("io"));
  const again = await disk.open(path);
  await again.write([new Uint8Array(page).fill(2)], page);
  await again.flush();
  const kept = [...((await disk.readFile(path)) ?? [])];
  expect([kept[0], kept[page]]).toEqual([1, 2]);
  const left = await contentAfter(disk, { lostUnflushed: true });
  expect([left[0], left[page]]).toEqual([0, 2]);
});

describe("a disk in memory, told to", () => {
  test("fail a write, does so without effect, for the files and the times told", async () => {
    const disk = createMemoryDisk();
    const file = await withFile(disk);
    await file.write([bytesOf("old")], 0);
    disk.faults.failNext("write", { path: "other" });
    disk.faults.failNext("write", { path: "wal", code: "full", times: 2 });
    await expect(file.write([bytesOf("new")], 0)).rejects.toMatchObject(failure("full"));
    await expect(file.write([bytesOf("new")], 0)).rejects.toMatchObject(failure("full"));
    expect(await contentOf(file)).toBe("old");
    await file.write([bytesOf("new")], 0);
    expect(await contentOf(file)).toBe("new");
  });

  test("fail a flush, never writes or flushes that file again, and a host crash loses the bytes", async () => {
    const disk = createMemoryDisk();
    const file = await withFile(disk);
    await file.write([bytesOf("lost")], 0);
    disk.faults.failNext("flush");
    await expect(file.flush()).rejects.toMatchObject(failure("io"));
    await expect(file.flush()).rejects.toMatchObject(failure("io"));
    await expect(file.write([bytesOf("x")], 0)).rejects.toMatchObject(failure("io"));
    expect(textOf(await contentAfter(disk, { lostUnflushed: true }))).toBe("");
  });

  test("write short, keeps the first bytes and rejects", async () => {
    const disk = createMemoryDisk();
    const file = await withFile(disk);
    disk.faults.shortWriteNext(4);
    await expect(file.write([bytesOf("abc"), bytesOf("def")], 0)).rejects.toMatchObject(
      failure("io"),
    );
    expect(await contentOf(file)).toBe("abcd");
  });

  test("be full, takes what fits, lets bytes be overwritten, and goes on once it has grown", async () => {
    const disk = createMemoryDisk({ capacityBytes: 10 });
    const file = await withFile(disk);
    await file.write([bytesOf("12345678")], 0);
    expect(await disk.freeBytes("/data")).toBe(2);
    await expect(file.write([bytesOf("abcd")], 8)).rejects.toMatchObject(failure("full"));
    expect(await contentOf(file)).toBe("12345678ab");
    await file.write([bytesOf("XY")], 0);
    await expect(disk.writeFile("/data/meta", bytesOf("m"))).rejects.toMatchObject(failure("full"));
    disk.faults.setCapacity(100);
    await file.write([bytesOf("abcd")], 8);
    expect(await contentOf(file)).toBe("XY345678abcd");
  });

  test("hold flushes, answers none until let go, while other files go on", async () => {
    const disk = createMemoryDisk();
    const file = await withFile(disk);
    const release = disk.faults.hold("flush", { path: "wal" });
    const order: string[] = [];
    const flush = file.flush().then(() => order.push("flushed"));
    await disk.writeFile("/data/meta", bytesOf("m"));
    order.push("meta written");
    release();
    await flush;
    expect(order).toEqual(["meta written", "flushed"]);
  });

  test("flip a bit, reads it flipped", async () => {
    const disk = createMemoryDisk();
    const file = await withFile(disk);
    await file.write([Uint8Array.of(0, 0, 0)], 0);
    disk.faults.flipBit(path, 1, 3);
    expect([...((await disk.readFile(path)) ?? [])]).toEqual([0, 8, 0]);
  });
});
