import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { pages } from "../../../docs/generate.ts";

test.each(pages())("docs/$path is what the tables say (npm run docs)", ({ path, text }) => {
  expect(readFileSync(new URL(`../../../docs/${path}`, import.meta.url), "utf8")).toBe(text);
});
