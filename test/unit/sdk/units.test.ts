import { describe, expect, test } from "vitest";
import { MyelinError } from "../../../sdk/src/errors.ts";
import { parseDuration, parseSize, settingValue } from "../../../sdk/src/units.ts";

describe("durations", () => {
  test.each([
    ["7d", 604_800_000],
    ["1h30m", 5_400_000],
    ["500ms", 500],
    ["2 min", 120_000],
    ["1.5s", 1_500],
    ["2w", 1_209_600_000],
    ["250", 250],
    [42, 42],
  ])("%s is %d milliseconds", (text, expected) => {
    expect(parseDuration(text)).toBe(expected);
  });

  test.each(["", "soon", "7 days", "d", "1h-2m", "7x"])("%j is refused", (text) => {
    expect(() => parseDuration(text)).toThrow(MyelinError);
  });
});

describe("sizes", () => {
  test.each([
    ["512MiB", 512 * 1024 * 1024],
    ["1GB", 1_000_000_000],
    ["10kb", 10_000],
    ["1048576", 1_048_576],
  ])("%s is %d bytes", (text, expected) => {
    expect(parseSize(text)).toBe(expected);
  });

  test("a unit that is none is refused, saying what is one", () => {
    expect(() => parseSize("5 boxes")).toThrow(/KiB/);
  });
});

describe("topic settings", () => {
  test.each([
    ["retention.ms", "7d", "604800000"],
    ["retention.ms", "-1", "-1"],
    ["retention.bytes", "1GiB", "1073741824"],
    ["cleanup.policy", "compact", "compact"],
    ["min.insync.replicas", 2, "2"],
    ["unclean.leader.election.enable", false, "false"],
  ])("%s %s goes onto the wire as %s", (name, value, expected) => {
    expect(settingValue(name, value)).toBe(expected);
  });
});
