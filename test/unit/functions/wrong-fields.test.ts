import { z } from "@hono/zod-openapi";
import fc from "fast-check";
import { expect, test } from "vitest";
import { invalidInput, jsonPointer } from "../../../functions/wrong-fields.ts";

/** RFC 6901, section 6: a pointer in a URI fragment, read back. */
function pathOf(pointer: string): string[] {
  const [, ...steps] = decodeURIComponent(pointer.slice(1)).split("/");
  return steps.map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
}

test("a pointer leads back to its field, whatever the field is called", () => {
  expect(jsonPointer([])).toBe("#");
  expect(jsonPointer(["configs", 2, "value"])).toBe("#/configs/2/value");
  expect(jsonPointer(["a/b~c d"])).toBe("#/a~1b~0c%20d");
  fc.assert(
    fc.property(fc.array(fc.string({ maxLength: 100, unit: "grapheme" })), (path) => {
      const short = path.map((step) => step.slice(0, 100).toWellFormed());
      expect(pathOf(jsonPointer(short))).toEqual(short);
    }),
  );
});

test("a thousand mistakes are not listed one by one, and none is quoted at length", () => {
  const schema = z.array(z.string());
  const input = Array.from({ length: 1000 }, () => 1);
  const result = schema.safeParse(input);
  const problem = invalidInput("json", result.error?.issues ?? [], input);
  expect(problem.options.errors).toHaveLength(50);
  expect(problem.message).toContain("and 47 more");
  const long = { ["x".repeat(10_000)]: 1 };
  const strict = z.strictObject({}).safeParse(long);
  const cut = invalidInput("json", strict.error?.issues ?? [], long);
  expect(cut.message.length).toBeLessThan(300);
});
