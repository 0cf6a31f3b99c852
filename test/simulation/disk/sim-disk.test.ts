import { describe, expect, test } from "vitest";
import type { Disk } from "../../../ports/disk.ts";
import { SimHost } from "../machine/sim-host.ts";
import { SimProcess } from "../machine/sim-process.ts";
import type { FaultRates } from "../world/fault-table.ts";
import type { World } from "../world/world.ts";
import { createWorld } from "../world/world.ts";
import { SimDisk } from "./sim-disk.ts";

const path = "/data/wal";

type Room = { world: World; host: SimHost; disk: SimDisk; open: () => Disk; kill: () => void };

function room(seed: number, faults: FaultRates = {}): Room {
  const world = createWorld({ seed, faults });
  const host = new SimHost(world, { name: "host-1", zone: "a" });
  const disk = new SimDisk(world, host);
  let latest: SimProcess | null = null;
  return {
    world,
    host,
    disk,
    open() {
      latest = new SimProcess(world, host, "process");
      return disk.attach(latest);
    },
    kill: () => latest?.kill(),
  };
}

const seeds = Array.from({ length: 60 }, (_, index) => index + 1);

/** Bytes of the file as any process of the host would read them. */
function stored({ disk }: Room, name = path): string {
  const file = disk.files.get(name);
  if (file === undefined) return "no file";
  const bytes = Buffer.alloc(file.size());
  file.read(bytes, 0);
  return bytes.toString();
}

async function written(place: Room, text: string, { isFlushed = true } = {}) {
  const disk = place.open();
  const file = await place.world.settle(
    (async () => {
      await disk.makeDirectory("/data");
      const opened = await disk.open(path, { create: true });
      await opened.write([Buffer.from(text)], 0);
      if (isFlushed) await opened.flush();
      return opened;
    })(),
  );
  return { disk, file };
}

describe("a process that is killed", () => {
  test("leaves what it had written, and of a write under way all, nothing or a beginning", async () => {
    const found = new Map<string, number>();
    for (const seed of seeds) {
      const place = room(seed);
      const { file } = await written(place, "old.", { isFlushed: false });
      void file.write([Buffer.from("abcdefgh")], 4);
      place.kill();
      const text = stored(place);
      expect("old.abcdefgh".startsWith(text)).toBe(true);
      expect(text.length).toBeGreaterThanOrEqual(4);
      const kind = text.length === 4 ? "nothing" : text.length === 12 ? "all" : "a beginning";
      found.set(kind, (found.get(kind) ?? 0) + 1);
    }
    expect([...found.keys()].toSorted()).toEqual(["a beginning", "all", "nothing"]);
  });

  test("leaves a file it was replacing old or new, never in between, and a stray one that is not listed", async () => {
    const found = new Set<string>();
    const strays: string[] = [];
    for (const seed of seeds) {
      const place = room(seed);
      const { disk } = await written(place, "x");
      await place.world.settle(disk.writeFile("/data/meta", Buffer.from("old")));
      void disk.writeFile("/data/meta", Buffer.from("new"));
      place.kill();
      found.add(stored(place, "/data/meta"));
      strays.push(...[...place.disk.files.keys()].filter((name) => name.endsWith(".unfinished")));
      const next = place.open();
      expect(await place.world.settle(next.list("/data"))).toEqual(["meta", "wal"]);
    }
    expect([...found].toSorted()).toEqual(["new", "old"]);
    expect(strays.length).toBeGreaterThan(0);
  });

  test("does not do what it had only queued behind something else", async () => {
    for (const seed of seeds.slice(0, 20)) {
      const place = room(seed);
      const { file } = await written(place, "old.");
      void file.write([Buffer.from("first")], 4);
      void file.write([Buffer.from("SECOND")], 4);
      place.kill();
      expect(stored(place)).not.toContain("S");
    }
  });

  test("lets go of its locks, which no other process could take before", async () => {
    const place = room(1);
    const first = place.open();
    const kill = place.kill;
    const { world } = place;
    expect(await world.settle(first.lock("/lock"))).not.toBeNull();
    const second = place.disk.attach(new SimProcess(world, place.host, "second"));
    expect(await world.settle(second.lock("/lock"))).toBeNull();
    kill();
    expect(await world.settle(second.lock("/lock"))).not.toBeNull();
  });
});

describe("a host that loses power", () => {
  test("keeps what was flushed, and of the rest what luck left", async () => {
    const lengths = new Set<number>();
    for (const seed of seeds) {
      const place = room(seed, { "disk.torn": 0.5, "disk.kept": 0.2 });
      const { file } = await written(place, "flushed");
      await place.world.settle(file.write([Buffer.alloc(10_000, "x")], 7));
      place.host.crash();
      const text = stored(place);
      expect(text.startsWith("flushed")).toBe(true);
      lengths.add(text.length);
    }
    expect(lengths).toContain(7);
    expect(lengths).toContain(10_007);
    expect(lengths.size).toBeGreaterThan(10);
  });

  test("without luck keeps nothing else", async () => {
    const place = room(3);
    await written(place, "lost", { isFlushed: false });
    place.host.crash();
    expect(stored(place)).toBe("");
  });

  test("is another boot afterwards, which a restarted process is not, and a new volume is another file system", async () => {
    const place = room(1);
    const bootId = async (): Promise<string | null> =>
      place.world.settle(place.open().bootId("/data"));
    const first = await bootId();
    place.kill();
    expect(await bootId()).toBe(first);
    place.host.crash();
    place.host.boot();
    const second = await bootId();
    expect(second).not.toBe(first);
    place.disk.wipe("/data", { isNewVolume: true });
    expect(await bootId()).not.toBe(second);
  });
});

test("a directory can be put back as it was, and wiped", async () => {
  const place = room(1);
  const { file } = await written(place, "first");
  const copied = place.disk.copy("/data");
  await place.world.settle(file.write([Buffer.from("SECOND")], 0));
  place.kill();
  place.disk.restore("/data", copied);
  expect(stored(place)).toBe("first");
  place.disk.wipe("/data");
  expect(await place.world.settle(place.open().list("/data"))).toEqual([]);
});

test("a full disk takes what fits and says full, until it has room again", async () => {
  const place = room(1);
  const { file } = await written(place, "12345678");
  place.disk.setFreeBytes(3);
  const { world } = place;
  await expect(world.settle(file.write([Buffer.from("abcdef")], 8))).rejects.toMatchObject({
    code: "full",
  });
  expect(stored(place)).toBe("12345678abc");
  place.disk.setFreeBytes(null);
  await world.settle(file.write([Buffer.from("abcdef")], 8));
  expect(stored(place)).toBe("12345678abcdef");
});

test("one bit turns over where it is told to", async () => {
  const place = room(1);
  await written(place, "aaaa");
  expect(place.disk.flipBit(/nothing/, place.world.stream("any"))).toBeNull();
  expect(place.disk.flipBit(/wal/, place.world.stream("any"))).toBe(path);
  const changed = stored(place).replaceAll("a", "");
  expect(changed).toHaveLength(1);
});

test.each([
  ["disk.writeFails", "old."],
  ["disk.writeShort", /^old\.[ab]*$/],
  ["disk.flushFails", "old.abab"],
  ["disk.readFails", "old.abab"],
  ["disk.nameFails", "old.abab"],
] as const)("%s rejects such calls, and no others", async (name, left) => {
  const place = room(1, { [name]: 1 });
  // Made before anything fails.
  place.disk.restore("/data", new Map([["/wal", Buffer.from("old.")]]));
  const disk = place.open();
  const outcomes = await place.world.settle(
    (async () => {
      const attempt = async (work: Promise<unknown>): Promise<string> =>
        work.then(
          () => "done",
          (error: unknown) => (error as { code: string }).code,
        );
      if (name === "disk.nameFails") return { name: await attempt(disk.remove("/data/other")) };
      const file = await disk.open(path);
      return {
        write: await attempt(file.write([Buffer.from("abab")], 4)),
        read: await attempt(file.read(new Uint8Array(4), 0)),
        flush: await attempt(file.flush()),
      };
    })(),
  );
  const kind = name.replace("disk.", "").replace(/Fails|Short/, "");
  const expected = Object.fromEntries(
    Object.keys(outcomes).map((operation) => [operation, operation === kind ? "io" : "done"]),
  );
  expect(outcomes).toEqual(expected);
  if (name !== "disk.nameFails") expect(stored(place)).toMatch(left);
});

test("reads of old bytes pass a write under way; reads of its bytes wait for it", async () => {
  const place = room(7);
  const { file } = await written(place, "old.");
  const order: string[] = [];
  const large = new Uint8Array(50_000_000).fill(1);
  const target = new Uint8Array(1);
  await place.world.settle(
    Promise.all([
      file.write([large], 4).then(() => order.push("write")),
      file.read(new Uint8Array(4), 0).then(() => order.push("read before it")),
      file.read(target, 100).then(() => order.push("read in it")),
    ]),
  );
  expect(order).toEqual(["read before it", "write", "read in it"]);
  expect(target[0]).toBe(1);
});
