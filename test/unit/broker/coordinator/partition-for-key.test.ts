import { expect, test } from "vitest";
import {
  javaStringHash,
  partitionForKey,
} from "../../../../broker/coordinator/partition-for-key.ts";

test.each([
  ["", 0],
  ["a", 97],
  ["hello", 99162322],
  // The well-known string whose Java hash is the least integer.
  ["polygenelubricants", -2147483648],
])("the hash of %j is Java's", (text, hash) => {
  expect(javaStringHash(text)).toBe(hash);
});

test("a key whose hash has no absolute value in Java lies on partition 0", () => {
  expect(partitionForKey("polygenelubricants", 50)).toBe(0);
});

test("a negative hash is masked, not negated", () => {
  const key = "consumer-group-3f";
  const masked = (javaStringHash(key) & 0x7fffffff) % 50;
  expect(partitionForKey(key, 50)).toBe(masked);
  expect(partitionForKey("zzzzzzz", 50)).toBe((javaStringHash("zzzzzzz") & 0x7fffffff) % 50);
});
