import { describe, expect, test } from "vitest";
import type { Place, Sighting } from "../../../../bench/soak/ledger.ts";
import { Ledger } from "../../../../bench/soak/ledger.ts";

// The soak is worth what its checker finds: each way to lose, change or mix up records is tried on it.

type Stored = { id: string; sum: number; partition: number; offset: number };

/** Two partitions with four records each by one producer, all acknowledged. */
function ledgerOf(options: { isIdempotent?: boolean; count?: number } = {}) {
  const ledger = new Ledger();
  const { isIdempotent = true, count = 8 } = options;
  const writer = ledger.addWriter({ name: "test", isIdempotent });
  const stored: Stored[] = [];
  for (let n = 0; n < count; n++) {
    const id = ledger.nextId(writer);
    const record = { id, sum: 1000 + n, partition: n % 2, offset: n >> 1 };
    ledger.sent(writer, record.sum);
    ledger.acknowledged(id, place(record));
    stored.push(record);
  }
  return { ledger, writer, stored };
}

const place = ({ partition, offset }: { partition: number; offset: number }): Place => ({
  topic: "t",
  partition,
  offset,
});
const sighting = (record: Stored): Sighting => ({
  ...place(record),
  id: record.id,
  sum: record.sum,
});

/** The final reading, as the soak does it. */
function conclude(ledger: Ledger, stored: readonly Stored[], start = 0): Ledger["violations"] {
  for (const partition of [0, 1]) {
    const records = stored.filter((record) => record.partition === partition);
    const end = Math.max(start, ...records.map(({ offset }) => offset + 1));
    ledger.bounds("t", partition, { start, end });
    for (const record of records.toSorted((a, b) => a.offset - b.offset))
      ledger.stored(sighting(record));
  }
  ledger.conclude();
  return ledger.violations;
}

/** Whatever stood behind it moves down: how a log looks that never had it. */
function without(stored: readonly Stored[], id: string): Stored[] {
  const gone = stored.find((record) => record.id === id);
  if (gone === undefined) throw new Error(`no ${id}`);
  return stored
    .filter((record) => record !== gone)
    .map((record) =>
      record.partition === gone.partition && record.offset > gone.offset
        ? { ...record, offset: record.offset - 1 }
        : record,
    );
}

describe("what is stored", () => {
  test("passes if it is what was acknowledged", () => {
    const { ledger, stored } = ledgerOf();
    for (const record of stored) ledger.seen(sighting(record), "g");
    expect(conclude(ledger, stored)).toEqual({ counts: {}, byWhom: {}, examples: [] });
    expect(ledger.totals).toMatchObject({ sent: 8, acknowledged: 8, stored: 8, unknown: 0 });
  });

  test("an acknowledged record at the end that is gone is lost", () => {
    const { ledger, stored } = ledgerOf();
    const found = conclude(ledger, stored.slice(0, -1));
    expect(found.counts.lost).toBeGreaterThan(0);
  });

  test("an acknowledged record in the middle that is gone is lost, and those behind it have moved", () => {
    const { ledger, stored } = ledgerOf();
    const found = conclude(ledger, without(stored, "0.2"));
    expect(found.counts).toMatchObject({ moved: 2 });
    expect(found.counts.lost).toBeGreaterThan(0);
  });

  test("a hole in the offsets is a gap", () => {
    const { ledger, stored } = ledgerOf();
    const found = conclude(
      ledger,
      stored.filter(({ id }) => id !== "0.2"),
    );
    expect(found.counts).toEqual({ gap: 1, lost: 1 });
  });

  test("an acknowledged record without a known offset is looked for by its id", () => {
    const { ledger, writer, stored } = ledgerOf();
    const id = ledger.nextId(writer);
    ledger.sent(writer, 7);
    ledger.acknowledged(id, place({ partition: 0, offset: -1 }));
    const kept = { id, sum: 7, partition: 1, offset: 4 };
    expect(conclude(ledger, [...stored, kept]).counts).toEqual({});
    const other = ledgerOf();
    other.ledger.sent(other.writer, 7);
    other.ledger.acknowledged(id, place({ partition: 0, offset: -1 }));
    expect(conclude(other.ledger, other.stored).counts).toEqual({ lost: 1 });
  });

  test("a record that was sent and never acknowledged may be there or not", () => {
    for (const isKept of [true, false]) {
      const { ledger, writer, stored } = ledgerOf();
      const id = ledger.nextId(writer);
      ledger.sent(writer, 7);
      const kept = isKept ? [{ id, sum: 7, partition: 1, offset: 4 }] : [];
      expect(conclude(ledger, [...stored, ...kept]).counts).toEqual({});
      expect(ledger.totals.unknown).toBe(1);
    }
  });

  test("a record that nobody sent is a phantom", () => {
    const { ledger, stored } = ledgerOf();
    const found = conclude(ledger, [...stored, { id: "0.99", sum: 1, partition: 0, offset: 4 }]);
    expect(found.counts).toEqual({ phantom: 1 });
  });

  test("a record that no id was found in is a phantom", () => {
    const { ledger, stored } = ledgerOf();
    const found = conclude(ledger, [...stored, { id: "", sum: 1, partition: 0, offset: 4 }]);
    expect(found.counts).toEqual({ phantom: 1 });
  });

  test("a record with another value is altered", () => {
    const { ledger, stored } = ledgerOf();
    const changed = stored.map((record) => (record.id === "0.3" ? { ...record, sum: 1 } : record));
    expect(conclude(ledger, changed).counts).toEqual({ altered: 1 });
  });

  test("a record that is there twice is duplicated", () => {
    const { ledger, stored } = ledgerOf();
    const again = { id: "0.0", sum: 1000, partition: 0, offset: 4 };
    expect(conclude(ledger, [...stored, again]).counts).toMatchObject({ duplicated: 1 });
  });

  test("a record that is there twice is only counted if its producer is not idempotent", () => {
    const { ledger, stored } = ledgerOf({ isIdempotent: false });
    const again = { id: "0.0", sum: 1000, partition: 0, offset: 4 };
    expect(conclude(ledger, [...stored, again]).counts).toEqual({});
    expect(ledger.totals.repeated).toBe(1);
  });

  test("two records that have changed places are reordered, even if nobody was told their places", () => {
    const ledger = new Ledger();
    const writer = ledger.addWriter({ name: "test", isIdempotent: true });
    const stored = [0, 1, 2].map((n) => {
      const id = ledger.nextId(writer);
      ledger.sent(writer, n);
      ledger.acknowledged(id, place({ partition: 0, offset: -1 }));
      return { id, sum: n, partition: 0, offset: [0, 2, 1][n] ?? 0 };
    });
    expect(conclude(ledger, stored).counts).toEqual({ reordered: 1 });
  });

  test("records below the log's start are not missed", () => {
    const { ledger, stored } = ledgerOf();
    const found = conclude(
      ledger,
      stored.filter(({ offset }) => offset >= 2),
      2,
    );
    expect(found.counts).toEqual({});
  });

  test("a log that ends before an offset that was shown has lost it", () => {
    const { ledger, writer } = ledgerOf({ count: 0 });
    const id = ledger.nextId(writer);
    ledger.sent(writer, 7);
    // Never acknowledged, and yet a reader has seen it: it may not go away any more.
    ledger.seen({ ...place({ partition: 0, offset: 0 }), id, sum: 7 });
    expect(conclude(ledger, []).counts).toEqual({ lost: 1 });
  });
});

describe("what readers see on the way", () => {
  test("an offset that shows another record than before has moved", () => {
    const { ledger, stored } = ledgerOf();
    const [first, , third] = stored;
    if (first === undefined || third === undefined) throw new Error("no records");
    ledger.seen({ ...sighting(third), offset: first.offset });
    expect(ledger.violations.counts).toMatchObject({ moved: 1, duplicated: 1 });
  });
});

describe("what groups commit", () => {
  const group = "g";

  test("an offset below an acknowledged commit went back", () => {
    const { ledger } = ledgerOf();
    ledger.committed(group, place({ partition: 0, offset: 3 }));
    const floors = ledger.floors(group);
    ledger.fetched(group, place({ partition: 0, offset: 3 }), floors);
    expect(ledger.violations.counts).toEqual({});
    ledger.fetched(group, place({ partition: 0, offset: 2 }), floors);
    expect(ledger.violations.counts).toEqual({ commitWentBack: 1 });
  });

  test("an offset that is gone went back", () => {
    const { ledger } = ledgerOf();
    ledger.committed(group, place({ partition: 0, offset: 3 }));
    ledger.fetched(group, place({ partition: 0, offset: -1 }), ledger.floors(group));
    expect(ledger.violations.counts).toEqual({ commitWentBack: 1 });
  });

  test("a commit acknowledged after the question was asked is not expected in the answer", () => {
    const { ledger } = ledgerOf();
    const floors = ledger.floors(group);
    ledger.committed(group, place({ partition: 0, offset: 3 }));
    ledger.fetched(group, place({ partition: 0, offset: -1 }), floors);
    expect(ledger.violations.counts).toEqual({});
  });

  test("an offset below one that was read before went back", () => {
    const { ledger } = ledgerOf();
    ledger.fetched(group, place({ partition: 0, offset: 4 }), ledger.floors(group));
    ledger.fetched(group, place({ partition: 0, offset: 1 }), ledger.floors(group));
    expect(ledger.violations.counts).toEqual({ commitWentBack: 1 });
  });

  test("a committed record that no member was given is skipped", () => {
    const { ledger, stored } = ledgerOf();
    for (const record of stored) if (record.id !== "0.2") ledger.seen(sighting(record), group);
    ledger.committed(group, place({ partition: 0, offset: 4 }));
    ledger.committed(group, place({ partition: 1, offset: 4 }));
    expect(conclude(ledger, stored).counts).toEqual({ skipped: 1 });
  });

  test("records behind the commit, and below the log's start, need not have been given", () => {
    const { ledger, stored } = ledgerOf();
    for (const record of stored) if (record.offset === 1) ledger.seen(sighting(record), group);
    ledger.committed(group, place({ partition: 0, offset: 2 }));
    const kept = stored.filter(({ offset }) => offset >= 1);
    expect(conclude(ledger, kept, 1).counts).toEqual({});
  });
});
