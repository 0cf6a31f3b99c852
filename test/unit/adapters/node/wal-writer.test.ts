import { closeSync, openSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { WalTarget, WalThread } from "../../../../adapters/node/wal-thread.ts";
import { createWalWriter } from "../../../../adapters/node/wal-writer.ts";
import { DiskError } from "../../../../ports/disk.ts";
import { temporaryDirectory } from "../../../support/temporary-directory.ts";

/** Does nothing until told to, and remembers what it was asked. */
function idleThread() {
  const asked: string[] = [];
  const waiting: (() => void)[] = [];
  let isEnded = false;
  const ask = (what: string): Promise<number> => {
    asked.push(what);
    if (isEnded) return Promise.reject(new DiskError("closed", "the thread has ended"));
    return new Promise((resolve) => waiting.push(() => resolve(0.01)));
  };
  const thread: WalThread = {
    get isIdle() {
      return !isEnded && waiting.length === 0;
    },
    write: (_target, chunks, position) => ask(`write ${chunks.length} at ${position}`),
    flush: () => ask("flush"),
    async close() {
      isEnded = true;
    },
  };
  return { thread, asked, answer: () => waiting.shift()?.() };
}

const sharedBytes = (byteLength: number, value: number): Uint8Array =>
  new Uint8Array(new SharedArrayBuffer(byteLength)).fill(value);

async function withFile(
  run: (target: WalTarget, content: () => Buffer) => Promise<void>,
): Promise<void> {
  using directory = temporaryDirectory();
  const path = `${directory.path}/wal`;
  const fd = openSync(path, "w+");
  try {
    await run({ file: 1, fd }, () => readFileSync(path));
  } finally {
    closeSync(fd);
  }
}

const noThread = (): never => {
  throw new Error("a thread is not needed");
};

test("a small write is done within the call, and answered when the turn of the event loop is over", () =>
  withFile(async (target, content) => {
    const writer = createWalWriter(noThread);
    const order: string[] = [];
    const written = writer
      .write(target, [sharedBytes(3, 65), sharedBytes(2, 66)], 1)
      .then(() => order.push("written"));
    expect(content().toString("latin1")).toBe("\0AAABB");
    await Promise.resolve().then(() => order.push("same turn"));
    await written;
    expect(order).toEqual(["same turn", "written"]);
    await writer.close();
  }));

test("a large write and every flush go to the thread, and so does what comes while it is busy", () =>
  withFile(async (target, content) => {
    const { thread, asked, answer } = idleThread();
    const writer = createWalWriter(() => thread);
    const large = writer.write(target, [sharedBytes(2 ** 20, 1)], 0);
    const flush = writer.flush(target);
    const small = writer.write(target, [sharedBytes(1, 2)], 100);
    expect(asked).toEqual(["write 1 at 0", "flush", "write 1 at 100"]);
    for (const done of [large, flush, small]) {
      answer();
      await done;
    }
    await writer.write(target, [sharedBytes(1, 67)], 0);
    expect(asked).toHaveLength(3);
    expect(content().toString()).toBe("C");
    await writer.close();
  }));

test("once the thread has ended nothing is written here either", () =>
  withFile(async (target, content) => {
    const { thread, answer } = idleThread();
    const writer = createWalWriter(() => thread);
    const flushed = writer.flush(target);
    answer();
    await flushed;
    await thread.close();
    await expect(writer.write(target, [sharedBytes(1, 1)], 0)).rejects.toMatchObject({
      code: "closed",
    });
    expect(content()).toHaveLength(0);
  }));

test("closed before it needed a thread, it starts none and writes nothing", () =>
  withFile(async (target, content) => {
    const writer = createWalWriter(noThread);
    await writer.write(target, [sharedBytes(1, 65)], 0);
    await writer.close();
    const closed = { code: "closed" };
    await expect(writer.write(target, [sharedBytes(1, 66)], 0)).rejects.toMatchObject(closed);
    await expect(writer.flush(target)).rejects.toMatchObject(closed);
    expect(content().toString()).toBe("A");
  }));

test.skipIf(process.platform !== "linux")("a write that the system refuses says why", async () => {
  const fd = openSync("/dev/full", "r+");
  const writer = createWalWriter(noThread);
  await expect(writer.write({ file: 1, fd }, [sharedBytes(1, 1)], 0)).rejects.toMatchObject({
    code: "full",
  });
  closeSync(fd);
});

test.skipIf(process.platform !== "linux")(
  "after a write that failed the next one is the thread's, for the failing disk may keep it waiting",
  async () => {
    const fd = openSync("/dev/full", "r+");
    const { thread, asked, answer } = idleThread();
    const writer = createWalWriter(() => thread);
    const write = (): Promise<void> => writer.write({ file: 1, fd }, [sharedBytes(1, 1)], 0);
    await expect(write()).rejects.toMatchObject({ code: "full" });
    expect(asked).toEqual([]);
    const second = write();
    second.catch(() => undefined);
    expect(asked).toEqual(["write 1 at 0"]);
    answer();
    await second;
    closeSync(fd);
  },
);
