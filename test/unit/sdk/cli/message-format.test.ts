import { describe, expect, test } from "vitest";
import { messageFormat, messageJson } from "../../../../sdk/src/cli/message-format.ts";

const message = {
  topic: "orders",
  partition: 2,
  offset: 42,
  timestamp: new Date("2026-11-21T10:00:00.000Z"),
  key: "k1",
  value: Buffer.from("hello"),
  headers: { trace: "abc", span: "1" },
  raw: { key: Buffer.from("k1"), value: Buffer.from("hello"), headers: [] },
};

function printed(pattern: string, changes: Partial<typeof message.raw> = {}): string {
  const each = { ...message, raw: { ...message.raw, ...changes } };
  return Buffer.from(messageFormat(pattern)(each)).toString("latin1");
}

describe("a format", () => {
  test.each([
    ["%t %p %o %k %v", "orders 2 42 k1 hello\n"],
    ["%k\\t%s", "k1\thello\n"],
    ["%d %T", "2026-11-21T10:00:00.000Z 1795255200000\n"],
    ["%h|%K|%V|100%%", "trace=abc,span=1|2|5|100%\n"],
    ["plain", "plain\n"],
    ["ends in %", "ends in %\n"],
  ])("%s prints %j", (pattern, expected) => {
    expect(printed(pattern)).toBe(expected);
  });

  test("values are printed byte for byte", () => {
    expect(printed("%v", { value: Buffer.from([0xff, 0x00, 0x80]) })).toBe("\xff\x00\x80\n");
  });

  test("a part that there is none of is misuse, and the parts are named", () => {
    expect(() => messageFormat("%z")).toThrow(/%z.*%t topic/);
  });
});

describe("a JSON line", () => {
  const parsed = (changes: object): unknown =>
    JSON.parse(
      Buffer.from(messageJson({ ...message, raw: { ...message.raw, ...changes } })).toString(),
    );

  test("has everything of the message, as text", () => {
    expect(parsed({})).toEqual({
      topic: "orders",
      partition: 2,
      offset: 42,
      timestamp: "2026-11-21T10:00:00.000Z",
      key: "k1",
      value: "hello",
      headers: { trace: "abc", span: "1" },
    });
  });

  test("gives bytes that are no text in base64, under another name", () => {
    const line = parsed({ value: Buffer.from([0xff]), key: null });
    expect(line).toMatchObject({ key: null, valueBase64: "/w==" });
    expect(line).not.toHaveProperty("value");
  });
});
