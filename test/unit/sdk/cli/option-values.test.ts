import { describe, expect, test } from "vitest";
import {
  brokerIds,
  nameAndValue,
  portNumber,
  positiveNumber,
  readFrom,
} from "../../../../sdk/src/cli/option-values.ts";

describe("where to read from", () => {
  test.each([
    ["2h", { ago: 7_200_000 }],
    ["2026-11-21T10:00Z", new Date("2026-11-21T10:00:00Z")],
    ["42", 42],
    ["-5", -5],
    ["beginning", "beginning"],
    ["end", "end"],
  ])("%s", (text, expected) => {
    expect(readFrom(text)).toEqual(expected);
  });

  test.each(["yesterday", "2026-99-99", ""])("%j is refused", (text) => {
    expect(() => readFrom(text)).toThrow(/Write how long ago/);
  });
});

test("brokers stand in a list, with blanks or without", () => {
  expect(brokerIds("1, 2,3")).toEqual([1, 2, 3]);
});

test("a value may hold further equals signs, and the same option adds up", () => {
  expect(nameAndValue("b=x=y", nameAndValue("a=1"))).toEqual({ a: "1", b: "x=y" });
});

test.each([
  [nameAndValue, "=x"],
  [nameAndValue, "x"],
  [positiveNumber, "0"],
  [positiveNumber, "1.5"],
  [positiveNumber, "-3"],
  [portNumber, "65536"],
  [brokerIds, "1,,2"],
  [brokerIds, "1;2"],
])("%o refuses %s", (read, text) => {
  expect(() => read(text)).toThrow(/Write|Ports/);
});
