import { expect, test } from "vitest";
import { openFileLimit, openFilesOf } from "../../../../adapters/node/open-file-limit.ts";

const limits = (soft: string): string =>
  [
    "Limit                     Soft Limit           Hard Limit           Units     ",
    "Max processes             95000                95000                processes ",
    `Max open files            ${soft.padEnd(20)} 1048576              files     `,
    "Max locked memory         8388608              8388608              bytes     ",
  ].join("\n");

test("the soft limit of open files is the one that counts", () => {
  expect(openFilesOf(limits("1024"))).toBe(1024);
});

test("no limit is infinite", () => {
  expect(openFilesOf(limits("unlimited"))).toBe(Infinity);
});

test("of a text that does not name it nothing is known", () => {
  expect(openFilesOf("Max processes 1 1 processes")).toBeNull();
});

test.runIf(process.platform === "linux")("Linux says what holds for this process", () => {
  expect(openFileLimit()).toBeGreaterThan(0);
});
