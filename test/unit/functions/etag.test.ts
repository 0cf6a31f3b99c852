import { expect, test } from "vitest";
import { etagOf, expectedRevision } from "../../../functions/etag.ts";

test("an ETag that names the present revision holds, any other does not", () => {
  expect(etagOf({ revision: 7 })).toBe('"7"');
  expect(expectedRevision('"7"', 7)).toBe(7);
  expect(expectedRevision('"6"', 7)).not.toBe(7);
  expect(expectedRevision('"6", "7"', 7)).toBe(7);
});

test("without a condition, or with *, nothing is expected", () => {
  expect(expectedRevision(undefined, 7)).toBeUndefined();
  expect(expectedRevision(" * ", 7)).toBeUndefined();
});

test.each(['W/"7"', "7", '"07"', "", "nonsense"])("%j never matches", (ifMatch) => {
  expect(expectedRevision(ifMatch, 7)).toBe(-1);
  expect(expectedRevision(ifMatch, undefined)).toBe(-1);
});
