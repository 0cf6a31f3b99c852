import { InvalidArgumentError } from "commander";
import { expect, test } from "vitest";
import { defaultLogStoreConfig } from "../../../../broker/log/log-store.ts";
import {
  hotMemory,
  hotMemoryShare,
  hotMemoryText,
  ringChunkBytes,
} from "../../../../sdk/src/cli/hot-memory.ts";

const mebibyte = 1024 * 1024;

test("is what a ring can be: whole chunks of the log's own size", () => {
  expect(ringChunkBytes).toBe(defaultLogStoreConfig.chunkBytes);
  expect(hotMemory("64MiB")).toBe(64 * mebibyte);
  expect(hotMemory("33MiB")).toBe(36 * mebibyte);
  expect(hotMemory("1GB") % ringChunkBytes).toBe(0);
});

test("says what is wrong with too little, and with what is no size", () => {
  expect(() => hotMemory("8MiB")).toThrow("A broker needs 16MiB at least.");
  for (const wrong of ["", "much", "-1", "64 apples"])
    expect(() => hotMemory(wrong)).toThrow(InvalidArgumentError);
});

test("several brokers on one machine share what one would take, down to 32 MiB each", () => {
  const shares = [2, 3, 9].map((brokers) => hotMemoryText(hotMemoryShare(brokers)));
  expect(shares).toEqual(["48MiB", "32MiB", "32MiB"]);
  expect(hotMemoryShare(3)).toBe(hotMemory("32MiB"));
});
