import fc from "fast-check";
import { expect, test } from "vitest";
import { maxPageSize, pageOf } from "../../../functions/pagination.ts";

const byNumber = { list: "numbers", keyOf: (item: number) => item };

test("pages of any size hold every entry once, in order", () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.integer(), { maxLength: 50 }),
      fc.integer({ min: 1, max: 20 }),
      (numbers, pageSize) => {
        const items = numbers.toSorted((a, b) => a - b);
        const seen: number[] = [];
        let token: string | undefined;
        for (;;) {
          const page = pageOf(items, { page_size: pageSize, page_token: token }, byNumber);
          seen.push(...page.items);
          if (page.nextToken === null) break;
          expect(page.items).toHaveLength(pageSize);
          token = page.nextToken;
        }
        expect(seen).toEqual(items);
      },
    ),
  );
});

test("a page is never larger than an answer may be", () => {
  const items = Array.from({ length: maxPageSize + 1 }, (_, index) => index);
  const page = pageOf(items, {}, byNumber);
  expect(page.items).toHaveLength(maxPageSize);
  expect(page.nextToken).not.toBeNull();
});

test("any string that this list did not give out is refused as one", () => {
  fc.assert(
    fc.property(fc.string(), (token) => {
      expect(() => pageOf([1, 2], { page_token: token }, byNumber)).toThrow(/page_token/);
    }),
  );
});
