import fc from "fast-check";
import { compressFrameSync, decompressFrameSync } from "lz4-napi";
import { expect, test } from "vitest";
import { lz4FrameSize } from "../../../../protocol/compression/lz4-frame-size.ts";

test("measures what the decoder then makes, for any input", () => {
  const anyInput = fc
    .tuple(fc.uint8Array({ maxLength: 300 }), fc.integer({ min: 0, max: 800 }))
    .map(([part, times]) => Buffer.concat(Array.from({ length: times }, () => part)));
  fc.assert(
    fc.property(anyInput, fc.boolean(), fc.boolean(), (input, contentChecksum, blockChecksums) => {
      const frame = compressFrameSync(input, { contentChecksum, blockChecksums });
      expect(lz4FrameSize(frame, 1e9)).toEqual({ kind: "measured", size: input.length });
    }),
    { numRuns: 100 },
  );
});

test("never measures less than the decoder makes of a mutated frame", () => {
  const frame = compressFrameSync(Buffer.from("the quick brown fox ".repeat(300)));
  fc.assert(
    fc.property(fc.nat(frame.length - 1), fc.integer({ min: 0, max: 255 }), (at, value) => {
      const mutated = Buffer.from(frame);
      mutated[at] = value;
      const measured = lz4FrameSize(mutated, 1e9);
      if (measured.kind !== "measured") return;
      let made = 0;
      try {
        made = decompressFrameSync(mutated).length;
      } catch {
        return;
      }
      expect(made).toBe(measured.size);
    }),
    { numRuns: 1000 },
  );
});

const header = [0x04, 0x22, 0x4d, 0x18];

test.each([
  ["a version other than 1", [...header, 0xa0, 0x40, 0, 0, 0, 0, 0]],
  ["a reserved bit", [...header, 0x62, 0x40, 0, 0, 0, 0, 0]],
  ["a dictionary", [...header, 0x61, 0x40, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
  ["a block size nobody defined", [...header, 0x60, 0x30, 0, 0, 0, 0, 0]],
  ["no end mark", [...header, 0x60, 0x40, 0x82]],
  ["a content size cut off", [...header, 0x68, 0x40, 0x82, 0, 0]],
  ["a block longer than the frame", [...header, 0x60, 0x40, 0x82, 9, 0, 0, 0, 1, 2]],
  ["another magic", [1, 2, 3, 4, 0x60, 0x40, 0x82, 0, 0, 0, 0]],
])("refuses %s", (_, bytes) => {
  expect(lz4FrameSize(Uint8Array.from(bytes), 1e9).kind).toBe("corruptInput");
});
