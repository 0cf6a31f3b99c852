import { describe, expect, test } from "vitest";
import { defaultPackingConfig } from "../../../broker/cold/start-packing.ts";
import { defaultTieringConfig } from "../../../broker/cold/tiering-config.ts";
import { defaultBrokerConfig } from "../../../broker/config.ts";
import { loadIntervalMs } from "../../../metadata/load/load-report.ts";
import { costTable, dollars, rate, summary } from "../../../sdk/src/cli/cost.ts";
import type { CostQuestion } from "../../../sdk/src/cost/estimate.ts";
import { estimate } from "../../../sdk/src/cost/estimate.ts";
import { sizes } from "../../../sdk/src/cost/sizes.ts";
import { packedShare, writing } from "../../../sdk/src/cost/storage-lines.ts";

const MB = 1_000_000;
const day = 86_400_000;

const question: CostQuestion = {
  size: sizes.standard,
  inBytesPerSecond: 10 * MB,
  retentionMs: 7 * day,
  consumerCount: 1,
  zoneCount: 3,
  partitionCount: 60,
  replicationFactor: 3,
  producersStayInZone: true,
  consumersStayInZone: true,
};

function perMonth(what: string, asked: Partial<CostQuestion> = {}): number {
  const lines = estimate({ ...question, ...asked }).lines.filter((each) => each.what === what);
  return lines.reduce((sum, each) => sum + each.perMonth, 0);
}

describe("what a cell costs", () => {
  test("is the sum of its lines, each of which is a quantity and a price", () => {
    const { lines, perMonth: total } = estimate(question);
    expect(lines.length).toBeGreaterThan(10);
    for (const line of lines) expect(line.perMonth).toBeCloseTo(line.quantity * line.price, 9);
    expect(total).toBeCloseTo(
      lines.reduce((sum, { quantity, price }) => sum + quantity * price, 0),
      6,
    );
  });

  test("replication: each record crosses to two other zones, at two cents a GB", () => {
    // 10 MB/s for 730 hours are 26,280 GB.
    expect(perMonth("replication")).toBeCloseTo(26_280 * 2 * 0.02, 6);
    expect(perMonth("replication", { zoneCount: 1 })).toBe(0);
    expect(perMonth("replication", { replicationFactor: 1 })).toBe(0);
    // Two copies in one of two zones: one of the three crosses.
    expect(perMonth("replication", { zoneCount: 2 })).toBeCloseTo(26_280 * 0.02, 6);
  });

  test("clients that do not know their zone cross a border two times of three", () => {
    const across = { producersStayInZone: false, consumersStayInZone: false, consumerCount: 3 };
    expect(perMonth("producers in other zones", across)).toBeCloseTo(26_280 * (2 / 3) * 0.02, 6);
    expect(perMonth("consumers in other zones", across)).toBeCloseTo(26_280 * 2 * 0.02, 6);
    expect(perMonth("producers in other zones")).toBe(0);
    expect(perMonth("consumers in other zones")).toBe(0);
  });

  test("records: one copy in S3 for as long as they are kept", () => {
    // 10 MB/s for 604,800 s are 6,048 GB.
    expect(perMonth("records in S3")).toBeCloseTo(6_048 * 0.023, 6);
    expect(perMonth("records in S3", { inBytesPerSecond: 0 })).toBe(0);
  });

  test("deleted records: kept as old versions for the profile's days, and half a day until S3 looks", () => {
    const what = "deleted records, as old versions";
    expect(perMonth(what)).toBeCloseTo(10e-3 * 7.5 * 86_400 * 0.023, 6);
    // However long they were kept before.
    expect(perMonth(what, { retentionMs: day })).toBeCloseTo(perMonth(what), 6);
    expect(perMonth(what, { size: sizes.dev })).toBeCloseTo(10e-3 * 1.5 * 86_400 * 0.023, 6);
    expect(perMonth(what, { inBytesPerSecond: 0 })).toBe(0);
  });

  test("segments: as many as the bytes fill, or as the partitions close by age", () => {
    const full = (26_280e9 / (32 * 1024 * 1024)) * 2 * 5e-6;
    expect(perMonth("segments written")).toBeCloseTo(full, 6);
    const hourly = 60 * 730 * 2 * 5e-6;
    expect(perMonth("segments written", { inBytesPerSecond: 1_000 })).toBeCloseTo(hourly, 6);
  });

  test("segments go one by one, or what a minute makes of a partition at once", () => {
    expect(perMonth("segments deleted")).toBeCloseTo(perMonth("segments written") * 1.5, 6);
    const eachMinute = 60 * 60 * 730 * 3 * 5e-6;
    const fast = { inBytesPerSecond: 1_000 * MB };
    expect(perMonth("segments deleted", fast)).toBeCloseTo(eachMinute, 6);
  });

  test("packs: one of each broker every ten seconds, or as many as the bytes fill", () => {
    expect(perMonth("packs written")).toBeCloseTo(3 * 360 * 730 * 5e-6, 6);
    // 3.2 MB/s, a tenth of a pack's worth: the least is one; eleven tenths are two.
    const one = { zoneCount: 1, partitionCount: 1_000 };
    const packs = (inBytesPerSecond: number) =>
      perMonth("packs written", { ...one, inBytesPerSecond });
    expect(packs(3.2 * MB)).toBeCloseTo(360 * 730 * 5e-6, 6);
    expect(packs(3.7 * MB)).toBeCloseTo(2 * 360 * 730 * 5e-6, 6);
    expect(perMonth("packs written", { inBytesPerSecond: 0 })).toBe(0);
  });

  test("packs: nearly all records once, for an hour and as old versions for a day and a half", () => {
    const all = 10e-3 * (3_600 + 1.5 * 86_400) * 0.023;
    const packs = perMonth("packs, most as old versions");
    expect(packs / all).toBeCloseTo(0.975, 3);
    // Their old versions go after a day in every profile.
    expect(perMonth("packs, most as old versions", { size: sizes.dev })).toBeCloseTo(packs, 6);
  });

  test.each([
    // A segment every 6.7 s: of what comes between two packs a third is behind the last segment.
    [20 * MB, 4, 0.336],
    // A segment every ten seconds, before or behind the pack.
    [32 * 1024 * 1024, 10, 0.5],
    [MB, 60, 0.9975],
  ])(
    "of %d bytes a second in %d partitions %d are packed",
    (inBytesPerSecond, partitionCount, share) => {
      expect(packedShare({ inBytesPerSecond, partitionCount })).toBeCloseTo(share, 3);
    },
  );

  test("load reports: each broker puts one a minute, and one listing a minute finds them", () => {
    expect(perMonth("load reports")).toBeCloseTo((3 + 1) * 60 * 730 * 5e-6, 6);
  });

  test("segments, packs and load reports are reckoned as brokers write them", () => {
    expect(writing).toEqual({
      segmentBytes: defaultTieringConfig.segmentBytes,
      segmentMaxAgeS: defaultTieringConfig.maxAgeMs / 1_000,
      packEveryS: defaultPackingConfig.intervalMs / 1_000,
      packBytes: defaultPackingConfig.packBytes,
      loadEveryS: loadIntervalMs / 1_000,
      retentionCheckS: defaultBrokerConfig.retentionCheckMs / 1_000,
    });
  });

  test("brokers: a vCPU, 2 GB and 30 GB of billed disk each, and an address", () => {
    expect(estimate(question).brokerCount).toBe(3);
    expect(perMonth("brokers: CPU")).toBeCloseTo(3 * 730 * 0.03238, 6);
    expect(perMonth("brokers: memory")).toBeCloseTo(3 * 730 * 2 * 0.00356, 6);
    expect(perMonth("brokers: disk")).toBeCloseTo(3 * 730 * 30 * 0.000111, 6);
    expect(perMonth("brokers: public addresses")).toBeCloseTo(3 * 3.65, 6);
  });

  test.each([
    [30 * MB, 1, 3],
    [30 * MB + 1, 1, 6],
    // Each reading beyond the first weighs half: 20 MB/s read five times are 60.
    [20 * MB, 5, 6],
    [0, 0, 3],
  ])(
    "brokers for %d bytes a second and %d readings: %d",
    (inBytesPerSecond, consumerCount, count) => {
      expect(estimate({ ...question, inBytesPerSecond, consumerCount }).brokerCount).toBe(count);
    },
  );

  test.each([
    ["dev", 2 * MB, 1, false],
    ["dev", 2 * MB + 1, 1, true],
    ["standard", 120 * MB, 1, false],
    ["standard", 120 * MB + 1, 1, true],
    // Read three times they carry half.
    ["standard", 60 * MB, 3, false],
    ["standard", 60 * MB + 1, 3, true],
    ["performance", 750 * MB, 1, false],
  ] as const)(
    "whether %s has brokers enough for %d bytes a second and %d readings",
    (name, inBytesPerSecond, consumerCount, isBeyond) => {
      const size = sizes[name];
      const { zoneCount } = size;
      const asked = { ...question, size, zoneCount, inBytesPerSecond, consumerCount };
      const { brokerCount, isBeyondSize } = estimate(asked);
      expect(isBeyondSize).toBe(isBeyond);
      expect(brokerCount > zoneCount * size.maxBrokersPerZone).toBe(isBeyond);
    },
  );

  test("an idle dev cell has no load balancer, no key and no traffic", () => {
    const idle = { ...question, size: sizes.dev, zoneCount: 1, inBytesPerSecond: 0 };
    const named = estimate(idle).lines.map(({ what }) => what);
    expect(named).not.toContain("bootstrap load balancer");
    expect(named).not.toContain("key");
    expect(named).not.toContain("replication");
    expect(estimate(idle).perMonth).toBeLessThan(25);
  });
});

describe("on the command line", () => {
  test.each([
    ["10MBps", 10 * MB],
    ["500kB/s", 500_000],
    ["1MiB/s", 1024 * 1024],
  ])("%s is %d bytes a second", (text, bytes) => {
    expect(rate(text)).toBe(bytes);
  });

  test.each(["10MB", "fast", "MBps", ""])("%j is no rate", (text) => {
    expect(() => rate(text)).toThrow("as in 10MBps");
  });

  test("the dearest line comes first", () => {
    const { rows } = costTable(estimate(question));
    expect(rows[0]).toEqual(["replication", "52,560 GB between zones", "$0.02", "$1,051"]);
  });

  test("quantities have three digits, or all before the point", () => {
    const quantities = costTable(estimate(question)).rows.map(([what, quantity]) => [
      what,
      quantity,
    ]);
    expect(quantities).toContainEqual(["packs, most as old versions", "1,299 GB-months"]);
    expect(quantities).toContainEqual(["packs written", "0.788 million PUTs"]);
  });

  test("what a cell comes to, and that there is none where the size does not carry it", () => {
    expect(summary("standard", estimate(question))).toMatch(
      /^About \$1,\d+ a month with 3 brokers\.$/,
    );
    const asked = { ...question, size: sizes.dev, zoneCount: 1 };
    expect(summary("dev", estimate(asked))).toMatch(
      /^Beyond dev, which carries 2 MB\/s at most \(brokersPerZone\.max is 1\)\. 5 brokers like its own would be about \$\d+ a month/,
    );
  });

  test.each([
    [0.064, "$0.06"],
    [99.994, "$99.99"],
    [1051.2, "$1,051"],
  ])("%d is written %s", (value, text) => {
    expect(dollars(value)).toBe(text);
  });
});
