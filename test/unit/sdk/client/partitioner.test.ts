import { describe, expect, test } from "vitest";
import { partitionForKey } from "../../../../sdk/src/client/partitioner.ts";

// From org.apache.kafka.common.utils.UtilsTest.testMurmur2: the hash of each key as a signed 32-bit number.
const hashes: [string, number][] = [
  ["21", -973932308],
  ["foobar", -790332482],
  ["a-little-bit-long-string", -985981536],
  ["a-little-bit-longer-string", -1486304829],
  ["lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971],
  ["abc", 479470107],
];

describe("a key's partition", () => {
  test.each(hashes)("%s goes where the Java client puts it", (key, hash) => {
    for (const count of [1, 3, 6, 12, 1000])
      expect(partitionForKey(Buffer.from(key), count)).toBe((hash & 0x7fff_ffff) % count);
  });

  test("a key in the middle of a larger buffer hashes as by itself", () => {
    const large = Buffer.from("xxfoobarxx");
    expect(partitionForKey(large.subarray(2, 8), 1000)).toBe(
      partitionForKey(Buffer.from("foobar"), 1000),
    );
  });

  test("an empty key has a partition", () => {
    expect(partitionForKey(new Uint8Array(0), 7)).toBe((275646681 & 0x7fff_ffff) % 7);
  });
});
