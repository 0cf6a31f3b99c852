import { expect, test } from "vitest";
import type { MemoryDisk } from "../../../adapters/memory/disk.ts";
import { createMemoryDisk } from "../../../adapters/memory/disk.ts";
import { createSeededRandom } from "../../../adapters/memory/random.ts";
import { createLife, DirectoryError } from "../../../broker/identity.ts";

const directory = "/broker-1";
let seed = 0;

async function newDisk(): Promise<MemoryDisk> {
  const disk = createMemoryDisk();
  await disk.makeDirectory(directory);
  return disk;
}

function lifeOn(disk: MemoryDisk, version = "1.0.0") {
  return createLife({ disk, random: createSeededRandom(++seed), directory, version });
}

/** A life that the cell has registered as broker 7. */
async function live(disk: MemoryDisk) {
  const life = lifeOn(disk);
  const identity = await life.begin();
  await life.registered(7);
  return { life, identity };
}

test("an empty directory is nobody yet, and stays the same directory until it is registered", async () => {
  const disk = await newDisk();
  const first = await lifeOn(disk).begin();
  expect(first).toMatchObject({ brokerId: null, previousEnd: "new", storedIncarnations: [] });
  const second = await lifeOn(disk).begin();
  expect(second).toMatchObject({ brokerId: null, previousEnd: "new" });
  expect(second.directoryId).toBe(first.directoryId);
  // The cell may have heard of the first life, and its answer have been lost.
  expect(second.storedIncarnations).toEqual([first.incarnation]);
});

test("a registered directory keeps its id; every life has an incarnation of its own", async () => {
  const disk = await newDisk();
  const { life, identity } = await live(disk);
  await life.endCleanly();
  const next = await lifeOn(disk).begin();
  expect(next.brokerId).toBe(7);
  expect(next.directoryId).toBe(identity.directoryId);
  expect(next.incarnation).not.toBe(identity.incarnation);
  expect(next.storedIncarnations).toEqual([identity.incarnation]);
});

test("a stop that wrote everything is clean, once", async () => {
  const disk = await newDisk();
  const { life } = await live(disk);
  await life.endCleanly();
  expect((await lifeOn(disk).begin()).previousEnd).toBe("clean");
  expect((await lifeOn(disk).begin()).previousEnd).toBe("processCrash");
});

test("the end of the process on a kernel that lives on is a process crash", async () => {
  const disk = await newDisk();
  await live(disk);
  expect((await lifeOn(disk.crash()).begin()).previousEnd).toBe("processCrash");
});

test("the end of the kernel is a host crash, and remains one until a life is registered after it", async () => {
  const disk = await newDisk();
  await live(disk);
  const after = disk.crash({ lostUnflushed: true });
  expect((await lifeOn(after).begin()).previousEnd).toBe("hostCrash");
  // That life ended before the cell knew of it: what it found is still true.
  expect((await lifeOn(after).begin()).previousEnd).toBe("hostCrash");
  await live(after);
  expect((await lifeOn(after).begin()).previousEnd).toBe("processCrash");
});

test("a platform that cannot tell one boot from another counts every crash as the host's", async () => {
  const disk = { ...(await newDisk()), bootId: () => Promise.resolve(null) };
  await live(disk);
  expect((await lifeOn(disk).begin()).previousEnd).toBe("hostCrash");
});

test("a disk that has lost writes is not believed, not even after a clean stop", async () => {
  const disk = await newDisk();
  const { life } = await live(disk);
  await life.distrustDisk();
  await life.endCleanly();
  expect((await lifeOn(disk).begin()).previousEnd).toBe("hostCrash");
});

test("a disk distrusted before the life began, or before it was registered, stays so", async () => {
  const disk = await newDisk();
  const { life } = await live(disk);
  await life.endCleanly();
  const early = lifeOn(disk);
  await early.distrustDisk();
  expect((await early.begin()).previousEnd).toBe("hostCrash");
  await early.registered(7);
  expect((await lifeOn(disk).begin()).previousEnd).toBe("hostCrash");
});

test("what several lives may have told the cell is kept: the last registered and the one that was about to be", async () => {
  const disk = await newDisk();
  const { identity } = await live(disk);
  const pending = await lifeOn(disk).begin();
  const next = await lifeOn(disk).begin();
  expect(next.storedIncarnations).toEqual([identity.incarnation, pending.incarnation]);
});

test("an older directory put back names an older life, by which the cell will know it", async () => {
  const disk = await newDisk();
  const { life, identity } = await live(disk);
  await life.endCleanly();
  const copy = await disk.readFile(`${directory}/identity.json`);
  const later = await live(disk);
  await disk.writeFile(`${directory}/identity.json`, copy ?? new Uint8Array());
  const rolledBack = await lifeOn(disk).begin();
  expect(rolledBack.storedIncarnations).toEqual([identity.incarnation]);
  expect(rolledBack.storedIncarnations).not.toContain(later.identity.incarnation);
});

test.each([
  ["nothing", ""],
  ["no JSON", "{"],
  ["null", "null"],
  ["something else", '{"formatVersion": "1"}'],
])("a file that holds %s is refused, with a word on what to do", async (_what, text) => {
  const disk = await newDisk();
  await disk.writeFile(`${directory}/identity.json`, Buffer.from(text));
  const begun = lifeOn(disk).begin();
  await expect(begun).rejects.toThrow(DirectoryError);
  await expect(begun).rejects.toThrow(/damaged.*empty directory/);
});

test("a directory of a later format is refused, naming both versions", async () => {
  const disk = await newDisk();
  await live(disk);
  const bytes = await disk.readFile(`${directory}/identity.json`);
  const stored = JSON.parse(Buffer.from(bytes ?? []).toString()) as object;
  const later = { ...stored, formatVersion: 2, writtenBy: "2.0.0" };
  await disk.writeFile(`${directory}/identity.json`, Buffer.from(JSON.stringify(later)));
  await expect(lifeOn(disk).begin()).rejects.toThrow(/2\.0\.0.*1\.0\.0/);
});
