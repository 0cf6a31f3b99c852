import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Disk, DiskFile } from "../../ports/disk.ts";

export type DiskUnderTest = {
  disk: Disk;
  /** An existing, empty directory. */
  directory: string;
  close: () => Promise<void>;
};

/** What every Disk does. */
export function diskContract(name: string, open: () => Promise<DiskUnderTest>): void {
  describe(`a disk: ${name}`, () => {
    let disk: Disk;
    let directory: string;
    let close: () => Promise<void>;

    beforeEach(async () => {
      ({ disk, directory, close } = await open());
    });

    afterEach(() => close());

    const at = (file: string): string => `${directory}/${file}`;

    test("directories are made with their parents, and again without harm", async () => {
      await disk.makeDirectory(at("a/b/c"));
      await disk.makeDirectory(at("a/b/c"));
      expect(await disk.list(at("a"))).toEqual(["b"]);
      expect(await disk.list(at("a/b/c"))).toEqual([]);
      await disk.writeFile(at("a/b/c/file"), bytesOf("x"));
      expect(await disk.list(at("a/b/c"))).toEqual(["file"]);
    });

    test("list is sorted, and empty for what does not exist", async () => {
      for (const file of ["b", "a10", "a2", "C"]) await disk.writeFile(at(file), bytesOf(file));
      expect(await disk.list(directory)).toEqual(["C", "a10", "a2", "b"]);
      expect(await disk.list(at("nowhere"))).toEqual([]);
    });

    test("writeFile replaces the whole file, the last call winning, and leaves nothing beside it", async () => {
      expect(await disk.readFile(at("meta"))).toBeNull();
      await disk.writeFile(at("meta"), bytesOf("a long first version"));
      const rounds = Array.from({ length: 10 }, (_, round) => `version ${round}`);
      await Promise.all(rounds.map((text) => disk.writeFile(at("meta"), bytesOf(text))));
      expect(textOf(await disk.readFile(at("meta")))).toBe("version 9");
      expect(await disk.list(directory)).toEqual(["meta"]);
    });

    test("remove deletes, and does nothing where nothing is", async () => {
      await disk.writeFile(at("file"), bytesOf("x"));
      await disk.remove(at("file"));
      await disk.remove(at("file"));
      await disk.remove(at("nowhere/file"));
      expect(await disk.list(directory)).toEqual([]);
    });

    test("rename replaces the target, and fails with gone where nothing is", async () => {
      await disk.writeFile(at("old"), bytesOf("old"));
      await disk.writeFile(at("new"), bytesOf("new"));
      await disk.rename(at("new"), at("old"));
      expect(await disk.list(directory)).toEqual(["old"]);
      expect(textOf(await disk.readFile(at("old")))).toBe("new");
      await expect(disk.rename(at("nothing"), at("old"))).rejects.toMatchObject(failure("gone"));
    });

    test("open fails with gone unless told to create, and create keeps what is there", async () => {
      await expect(disk.open(at("wal"))).rejects.toMatchObject(failure("gone"));
      await expect(disk.open(at("nowhere/wal"), { create: true })).rejects.toMatchObject(
        failure("gone"),
      );
      const created = await disk.open(at("wal"), { create: true });
      expect(await created.size()).toBe(0);
      await created.write([bytesOf("kept")], 0);
      await created.close();
      const again = await disk.open(at("wal"), { create: true });
      expect(await contentOf(again)).toBe("kept");
      await again.close();
    });

    describe.each([
      ["own", bytesOf],
      ["shared", sharedBytesOf],
    ])("a file written from %s memory", (_memory, bytesFor) => {
      let file: DiskFile;

      beforeEach(async () => {
        file = await disk.open(at("wal"), { create: true });
      });

      afterEach(() => file.close());

      test("holds the chunks one behind the other, from the position on", async () => {
        await file.write([bytesFor("abc"), bytesFor(""), bytesFor("defgh")], 0);
        await file.write([bytesFor("XY")], 2);
        await file.write([], 100);
        expect(await contentOf(file)).toBe("abXYefgh");
      });

      test("takes more chunks than one system call does", async () => {
        const chunks = Array.from({ length: 3000 }, (_, index) =>
          bytesFor(String.fromCharCode(97 + (index % 26))),
        );
        await file.write(chunks, 5);
        expect(await file.size()).toBe(3005);
        const expected = chunks.map((chunk) => textOf(chunk)).join("");
        expect((await contentOf(file)).slice(5)).toBe(expected);
      });

      test("reads zeros where nothing was written, and fewer bytes only at its end", async () => {
        await file.write([bytesFor("end")], 10);
        const target = new Uint8Array(20).fill(1);
        expect(await file.read(target, 0)).toBe(13);
        expect([...target.subarray(0, 10)]).toEqual(Array.from({ length: 10 }, () => 0));
        expect(textOf(target.subarray(10, 13))).toBe("end");
        expect(await file.read(target, 13)).toBe(0);
        expect(await file.read(target, 1000)).toBe(0);
      });

      test("does what it is told in order, without being awaited", async () => {
        const outcomes: Promise<unknown>[] = [];
        const seen: string[] = [];
        const sizes: Promise<number>[] = [];
        for (let round = 0; round < 26; round++) {
          const text = String.fromCharCode(97 + round).repeat(round + 1);
          // Every other write comes from the other kind of memory: their paths differ, their order does not.
          outcomes.push(file.write([(round % 2 === 0 ? bytesFor : bytesOf)(text)], 0));
          if (round % 3 === 0) outcomes.push(file.flush());
          if (round % 4 === 0) outcomes.push(file.flush({ besideWrites: true }));
          const target = new Uint8Array(100);
          const read = file.read(target, 0);
          sizes.push(file.size());
          outcomes.push(read.then((count) => (seen[round] = textOf(target.subarray(0, count)))));
        }
        await Promise.all(outcomes);
        expect(seen).toEqual(
          Array.from({ length: 26 }, (_, round) =>
            String.fromCharCode(97 + round).repeat(round + 1),
          ),
        );
        expect(await Promise.all(sizes)).toEqual(
          Array.from({ length: 26 }, (_, round) => round + 1),
        );
      });

      test("finishes what it was told before it closes, and refuses everything after", async () => {
        const write = file.write([bytesFor("last words")], 0);
        const flushes = [file.flush(), file.flush({ besideWrites: true })];
        await file.close();
        await Promise.all([write, ...flushes]);
        const refused = failure("closed");
        await expect(file.write([bytesFor("x")], 0)).rejects.toMatchObject(refused);
        await expect(file.flush()).rejects.toMatchObject(refused);
        await expect(file.flush({ besideWrites: true })).rejects.toMatchObject(refused);
        await expect(file.read(new Uint8Array(1), 0)).rejects.toMatchObject(refused);
        await expect(file.size()).rejects.toMatchObject(refused);
        await file.close();
        expect(textOf(await disk.readFile(at("wal")))).toBe("last words");
      });
    });

    test("a lock has one holder at a time, and a path of its own", async () => {
      const held = await disk.lock(at("lock"));
      expect(held).not.toBeNull();
      expect(await disk.lock(at("lock"))).toBeNull();
      const other = await disk.lock(at("other"));
      expect(other).not.toBeNull();
      await held?.close();
      await held?.close();
      const next = await disk.lock(at("lock"));
      expect(next).not.toBeNull();
      expect(await disk.lock(at("lock"))).toBeNull();
      await next?.close();
      await other?.close();
    });

    test("the boot id stays the same while the machine runs", async () => {
      const bootId = await disk.bootId(directory);
      expect(await disk.bootId(directory)).toBe(bootId);
    });

    test("free space is told in bytes", async () => {
      expect(await disk.freeBytes(directory)).toBeGreaterThan(1024 * 1024);
    });
  });
}

export function failure(code: string): { name: string; code: string } {
  return { name: "DiskError", code };
}

export function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text));
}

export function sharedBytesOf(text: string): Uint8Array {
  const bytes = Buffer.from(text);
  const shared = new Uint8Array(new SharedArrayBuffer(bytes.byteLength));
  shared.set(bytes);
  return shared;
}

export function textOf(bytes: Uint8Array | null): string {
  return bytes === null ? "" : Buffer.from(bytes).toString();
}

export async function contentOf(file: DiskFile): Promise<string> {
  const bytes = new Uint8Array(await file.size());
  await file.read(bytes, 0);
  return textOf(bytes);
}
