import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { MetadataLog } from "../../ports/metadata-log.ts";
import { maxMetadataEntryBytes } from "../../ports/metadata-log.ts";

export type MetadataLogUnderTest = {
  /** Another writer on the same log, as of another process. */
  open: () => Promise<MetadataLog>;
  close: () => Promise<void>;
};

/** What every MetadataLog does. `hasHints` is false where a log never announces an append, as the port allows. */
export function metadataLogContract(
  name: string,
  openStore: () => Promise<MetadataLogUnderTest>,
  { hasHints = true }: { hasHints?: boolean } = {},
): void {
  describe(`a metadata log: ${name}`, () => {
    let open: () => Promise<MetadataLog>;
    let close: () => Promise<void>;
    let log: MetadataLog;

    beforeEach(async () => {
      ({ open, close } = await openStore());
      log = await open();
    });

    afterEach(async () => {
      await log.close();
      await close();
    });

    async function fill(upTo: number): Promise<void> {
      await log.genesis(1, entryOf("1"));
      for (let revision = 2; revision <= upTo; revision++) {
        expect(await log.append(revision, entryOf(String(revision)))).toBe("accepted");
      }
    }

    async function revisions(fromRevision: number, limit = 1000): Promise<number[] | "trimmed"> {
      const entries = await log.read(fromRevision, limit);
      return entries === "trimmed" ? entries : entries.map(({ revision }) => revision);
    }

    test("an empty log takes a genesis and no append", async () => {
      expect(await log.read(1, 10)).toEqual([]);
      expect(await log.append(1, entryOf("x"))).toBe("conflict");
      expect(await log.append(2, entryOf("x"))).toBe("conflict");
      expect(await log.genesis(1, entryOf("first"))).toBe("accepted");
      expect(await log.genesis(1, entryOf("again"))).toBe("conflict");
      expect(await log.genesis(2, entryOf("again"))).toBe("conflict");
      expect(await read(log, 1)).toEqual(["1 first"]);
    });

    test("a restore's genesis starts at any revision, below which all counts as trimmed", async () => {
      expect(await log.genesis(0, entryOf("x"))).toBe("conflict");
      expect(await log.genesis(500, entryOf("jump"))).toBe("accepted");
      expect(await log.read(1, 10)).toBe("trimmed");
      expect(await log.read(499, 10)).toBe("trimmed");
      const other = await open();
      expect(await other.read(1, 10)).toBe("trimmed");
      await other.close();
      expect(await log.append(500, entryOf("x"))).toBe("conflict");
      expect(await log.append(499, entryOf("x"))).toBe("conflict");
      expect(await log.append(501, entryOf("next"))).toBe("accepted");
      expect(await read(log, 500)).toEqual(["500 jump", "501 next"]);
    });

    test("an append is accepted at the next revision only, and what it was given is kept", async () => {
      await fill(2);
      const entry = entryOf("three");
      const appended = log.append(3, entry);
      entry.fill(0);
      expect(await appended).toBe("accepted");
      expect(await log.append(3, entryOf("again"))).toBe("conflict");
      expect(await log.append(5, entryOf("hole"))).toBe("conflict");
      expect(await log.append(1, entryOf("past"))).toBe("conflict");
      expect(await read(log, 1)).toEqual(["1 1", "2 2", "3 three"]);
    });

    test("read gives at most the limit, from where it is asked, and nothing past the head", async () => {
      await fill(7);
      expect(await revisions(1, 3)).toEqual([1, 2, 3]);
      expect(await revisions(4, 3)).toEqual([4, 5, 6]);
      expect(await revisions(7)).toEqual([7]);
      expect(await revisions(8)).toEqual([]);
      expect(await revisions(100)).toEqual([]);
    });

    test("trim drops what is below, never the head, and says trimmed to who asks for it", async () => {
      await fill(6);
      await log.trim(4);
      expect(await revisions(3)).toBe("trimmed");
      expect(await revisions(4)).toEqual([4, 5, 6]);
      await log.trim(2);
      expect(await revisions(4)).toEqual([4, 5, 6]);
      await log.trim(1000);
      expect(await revisions(5)).toBe("trimmed");
      expect(await revisions(6)).toEqual([6]);
      expect(await log.append(7, entryOf("7"))).toBe("accepted");
      expect(await log.genesis(1, entryOf("x"))).toBe("conflict");
    });

    test("a writer paused across a trim is refused", async () => {
      await fill(5);
      const paused = await open();
      const seen = await paused.read(1, 100);
      expect(seen).toHaveLength(5);
      for (let revision = 6; revision <= 20; revision++) {
        await log.append(revision, entryOf(String(revision)));
      }
      await log.trim(15);
      // Revision 6 is free again, but 5 is not there.
      expect(await paused.append(6, entryOf("from the past"))).toBe("conflict");
      expect(await paused.append(14, entryOf("from the past"))).toBe("conflict");
      expect(await paused.append(15, entryOf("from the past"))).toBe("conflict");
      expect(await revisions(15)).toEqual([15, 16, 17, 18, 19, 20]);
      await paused.close();
    });

    test("of fifty writers racing, exactly one wins each revision, and every winner's entry is there", async () => {
      await log.genesis(1, entryOf("genesis"));
      const writers = await Promise.all(Array.from({ length: 50 }, () => open()));
      for (let revision = 2; revision <= 6; revision++) {
        const outcomes = await Promise.all(
          writers.map((writer, index) => writer.append(revision, entryOf(`by ${index}`))),
        );
        const winners = outcomes.flatMap((outcome, index) =>
          outcome === "accepted" ? [index] : [],
        );
        expect(winners).toHaveLength(1);
        expect(await read(log, revision)).toEqual([`${revision} by ${winners[0]}`]);
      }
      await Promise.all(writers.map((writer) => writer.close()));
    });

    test("writers that read, decide and append until accepted lose nothing and repeat nothing", async () => {
      await log.genesis(1, entryOf("genesis"));
      const writers = await Promise.all(Array.from({ length: 10 }, () => open()));
      await Promise.all(
        writers.map(async (writer, index) => {
          let head = 1;
          for (let count = 0; count < 5;) {
            const tail = await writer.read(head + 1, 1000);
            if (tail === "trimmed") throw new Error("nothing was trimmed");
            head += tail.length;
            const outcome = await writer.append(head + 1, entryOf(`${index}/${count}`));
            if (outcome === "accepted") count++;
          }
        }),
      );
      const entries = (await read(log, 2)).map((text) => text.split(" ")[1]);
      expect(entries).toHaveLength(50);
      expect(new Set(entries).size).toBe(50);
      await Promise.all(writers.map((writer) => writer.close()));
    });

    test("two geneses that race have one winner", async () => {
      const other = await open();
      const outcomes = await Promise.all([
        log.genesis(1, entryOf("one")),
        other.genesis(7, entryOf("two")),
      ]);
      expect(outcomes.toSorted()).toEqual(["accepted", "conflict"]);
      await other.close();
    });

    test("an entry of the largest size is taken, and one byte more is tooLarge", async () => {
      const largest = new Uint8Array(maxMetadataEntryBytes).fill(7);
      const tooLarge = new Uint8Array(maxMetadataEntryBytes + 1);
      const refused = { name: "MetadataLogError", code: "tooLarge" };
      await expect(log.genesis(1, tooLarge)).rejects.toMatchObject(refused);
      expect(await log.genesis(1, largest)).toBe("accepted");
      await expect(log.append(2, tooLarge)).rejects.toMatchObject(refused);
      const entries = await log.read(1, 1);
      expect(entries).toEqual([{ revision: 1, entry: largest }]);
      expect(await log.append(2, new Uint8Array(0))).toBe("accepted");
      expect(await log.read(2, 1)).toEqual([{ revision: 2, entry: new Uint8Array(0) }]);
    });

    if (hasHints) {
      test("appends are announced, this writer's and others', until the listener is taken off", async () => {
        const other = await open();
        await fill(1);
        let heardCount = 0;
        let next = Promise.withResolvers<void>();
        const stop = log.onAppend(() => {
          heardCount++;
          next.resolve();
        });
        expect(await other.append(2, entryOf("other's"))).toBe("accepted");
        await next.promise;
        next = Promise.withResolvers();
        expect(await log.append(3, entryOf("own"))).toBe("accepted");
        await next.promise;
        stop();
        stop();
        const heard = heardCount;
        const second = Promise.withResolvers<void>();
        log.onAppend(second.resolve);
        await other.append(4, entryOf("unheard"));
        await second.promise;
        expect(heardCount).toBe(heard);
        await other.close();
      });
    }

    test("a closed log refuses, and others on it go on", async () => {
      const other = await open();
      await other.close();
      await other.close();
      const refused = { name: "MetadataLogError", code: "closed" };
      await expect(other.read(1, 1)).rejects.toMatchObject(refused);
      await expect(other.append(1, entryOf("x"))).rejects.toMatchObject(refused);
      await expect(other.genesis(1, entryOf("x"))).rejects.toMatchObject(refused);
      await expect(other.trim(1)).rejects.toMatchObject(refused);
      expect(await log.genesis(1, entryOf("x"))).toBe("accepted");
    });
  });
}

export function entryOf(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text));
}

/** Everything from a revision on, as "revision text". */
export async function read(log: MetadataLog, fromRevision: number): Promise<string[]> {
  const entries = await log.read(fromRevision, 10_000);
  if (entries === "trimmed") throw new Error("trimmed");
  return entries.map(({ revision, entry }) => `${revision} ${Buffer.from(entry).toString()}`);
}
