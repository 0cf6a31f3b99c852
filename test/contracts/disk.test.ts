import { describe, expect, test } from "vitest";
import { createMemoryDisk } from "../../adapters/memory/disk.ts";
import { createNodeDisk } from "../../adapters/node/disk.ts";
import { startWalThread } from "../../adapters/node/wal-thread.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { startChild } from "./child.ts";
import { bytesOf, diskContract, failure, sharedBytesOf } from "./disk.ts";

const isLinux = process.platform === "linux";

diskContract("the machine's", async () => {
  const directory = temporaryDirectory();
  const disk = createNodeDisk();
  return {
    disk,
    directory: directory.path,
    async close() {
      await disk.close();
      directory[Symbol.dispose]();
    },
  };
});

diskContract("in memory", async () => {
  const disk = createMemoryDisk();
  await disk.makeDirectory("/data");
  return { disk, directory: "/data", close: async () => undefined };
});

describe("the machine's disk", () => {
  test("refuses a lock that another process holds, until that process is killed", async () => {
    using directory = temporaryDirectory();
    const path = `${directory.path}/lock`;
    const child = startChild("hold-lock", { args: [path] });
    expect(await child.line()).toBe("held");
    const disk = createNodeDisk();
    expect(await disk.lock(path)).toBeNull();
    await child.kill();
    const lock = await disk.lock(path);
    expect(lock).not.toBeNull();
    const second = startChild("hold-lock", { args: [path] });
    expect(await second.line()).toBe("refused");
    await second.finish();
    await lock?.close();
  });

  test("holds a whole version of a replaced file, no older than the last one answered, after kill -9", async () => {
    using directory = temporaryDirectory();
    const path = `${directory.path}/meta`;
    const disk = createNodeDisk();
    // At different times within a round.
    for (const delayMs of [0, 1, 2, 3, 4, 5]) {
      const child = startChild("replace-file", { args: [path] });
      let answered = 0;
      for (let line = await child.line(); line !== null; line = await child.line()) {
        answered = Number(line);
        if (answered === 2) setTimeout(() => void child.kill(), delayMs);
      }
      const bytes = Buffer.from((await disk.readFile(path)) ?? []);
      expect(bytes).toHaveLength(2_000_000);
      const round = bytes.readUInt32BE(0);
      expect(round).toBeGreaterThanOrEqual(answered);
      expect(bytes.subarray(4).equals(Buffer.alloc(1_999_996, round & 0xff))).toBe(true);
      expect(await disk.list(directory.path)).toEqual(["meta"]);
    }
  });

  test.skipIf(!isLinux).each(["own", "shared"])(
    "says full when a write of %s memory is cut short by a limit",
    async (memory) => {
      using directory = temporaryDirectory();
      const child = startChild("write-to-limit", {
        args: [`${directory.path}/wal`, memory],
        // 8 KiB; the signal that comes with passing it would end the process.
        shell: "trap '' XFSZ; ulimit -f 8; exec",
      });
      expect([await child.line(), await child.line()]).toEqual(["full", "8192"]);
      await child.finish();
    },
  );

  test.skipIf(!isLinux).each([
    ["own", bytesOf],
    ["shared", sharedBytesOf],
  ])("says full when there is no space for %s memory", async (_memory, bytesFor) => {
    const disk = createNodeDisk();
    const file = await disk.open("/dev/full");
    await expect(file.write([bytesFor("x")], 0)).rejects.toMatchObject(failure("full"));
    await file.close();
    await disk.close();
  });

  test.skipIf(!isLinux).each([
    ["own", bytesOf],
    ["shared", sharedBytesOf],
  ])("never writes or flushes %s memory again after a flush failed", async (_memory, bytesFor) => {
    const disk = createNodeDisk();
    // Takes every write and cannot be flushed.
    const file = await disk.open("/dev/null");
    await file.write([bytesFor("x")], 0);
    const [flush, behind] = await Promise.allSettled([
      file.flush(),
      file.write([bytesFor("y")], 1),
    ]);
    expect(flush.status).toBe("rejected");
    if (bytesFor === sharedBytesOf) expect(behind.status).toBe("rejected");
    await expect(file.write([bytesFor("z")], 2)).rejects.toMatchObject(failure("io"));
    await expect(file.flush()).rejects.toMatchObject(failure("io"));
    await file.close();
    await disk.close();
  });

  test.skipIf(!isLinux)(
    "after a flush beside writes has failed no flush succeeds that was called meanwhile",
    async () => {
      const disk = createNodeDisk();
      const file = await disk.open("/dev/null");
      await file.write([sharedBytesOf("x")], 0);
      const flushes = await Promise.allSettled([
        file.flush({ besideWrites: true }),
        file.flush(),
        file.flush({ besideWrites: true }),
      ]);
      expect(flushes.map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
      await expect(file.write([sharedBytesOf("y")], 1)).rejects.toMatchObject(failure("io"));
      await expect(file.write([bytesOf("y")], 1)).rejects.toMatchObject(failure("io"));
      await file.close();
      await disk.close();
    },
  );

  test("rejects what its thread had not done when that ends, and everything after", async () => {
    const thread = startWalThread(new URL("data:text/javascript,throw new Error('broken')"));
    const target = { file: 1, fd: 1 };
    await expect(thread.flush(target)).rejects.toMatchObject(failure("closed"));
    await expect(thread.write(target, [], 0)).rejects.toMatchObject(failure("closed"));
    await thread.close();
  });

  test("ends its thread when closed, and rejects writes from then on", async () => {
    using directory = temporaryDirectory();
    const disk = createNodeDisk();
    const file = await disk.open(`${directory.path}/wal`, { create: true });
    await file.write([sharedBytesOf("x")], 0);
    await disk.close();
    await expect(file.write([sharedBytesOf("y")], 1)).rejects.toMatchObject(failure("closed"));
    await file.close();
  });

  test.skipIf(!isLinux)("knows this boot and file system", async () => {
    using directory = temporaryDirectory();
    const disk = createNodeDisk();
    const bootId = await disk.bootId(directory.path);
    expect(bootId).toMatch(/^[0-9a-f-]{36}-/);
    expect(await disk.bootId("/proc")).not.toBe(bootId);
  });
});
