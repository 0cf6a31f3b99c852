import fc from "fast-check";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { compressSync as snappyBlock } from "snappy";
import { expect, test } from "vitest";
import { codecId, codecNames, codecOfId } from "../../../../protocol/compression/codec.ts";
import { compress, decompress } from "../../../../protocol/compression/compress.ts";
import { foreignFrames, inputs } from "./foreign-frames.ts";

const compressing = ["gzip", "snappy", "lz4", "zstd"] as const;
const bytesOf = (base64: string): Uint8Array => Buffer.from(base64, "base64");

const decompressed = (codec: (typeof codecNames)[number], bytes: Uint8Array, bound: number) => {
  const result = decompress(codec, bytes, bound);
  if (result.kind !== "decompressed") throw new Error(`${result.kind}: ${result.message}`);
  return Buffer.from(result.bytes);
};

test.each(foreignFrames)("reads $codec: $writer", ({ codec, holds, base64 }) => {
  const expected = inputs[holds];
  expect(decompressed(codec, bytesOf(base64), 1 << 20).equals(expected)).toBe(true);
});

test.each(foreignFrames)(
  "stops one byte short of the output of $codec: $writer",
  ({ codec, holds, base64 }) => {
    const size = inputs[holds].length;
    if (size < 2) return;
    expect(decompress(codec, bytesOf(base64), size - 1).kind).toBe("tooLarge");
    expect(decompress(codec, bytesOf(base64), size).kind).toBe("decompressed");
  },
);

test.each(foreignFrames)(
  "every cut of $codec is corrupt input, never half the output: $writer",
  ({ codec, base64 }) => {
    const bytes = bytesOf(base64);
    // A member of two ends where the other begins, which is no damage anyone could see.
    const whole = new Set(codec === "gzip" ? [bytes.indexOf(0x1f, 1)] : []);
    const step = Math.max(1, Math.floor(bytes.length / 60));
    for (let length = 0; length < bytes.length; length += step) {
      if (whole.has(length)) continue;
      const result = decompress(codec, bytes.subarray(0, length), 1 << 20);
      const isChunkBoundary = codec === "snappy" && result.kind === "decompressed";
      // xerial's framing has no end: a stream cut between chunks, or right behind its header, is a shorter stream.
      if (!isChunkBoundary) expect(result.kind).toBe("corruptInput");
    }
  },
);

test.each(compressing)("%s gives back any bytes", (codec) => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 5000 }),
      fc.integer({ min: 1, max: 40 }),
      (part, times) => {
        const input = Buffer.concat(Array.from({ length: times }, () => part));
        const output = decompressed(codec, compress(codec, input), Math.max(input.length, 1));
        expect(output.equals(input)).toBe(true);
      },
    ),
    { numRuns: 60 },
  );
});

test.each(compressing)("%s survives any mutation of a frame within the bound", (codec) => {
  const frame = compress(codec, inputs.big.subarray(0, 20_000));
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(frame.length - 1), fc.integer({ min: 0, max: 255 })), {
        minLength: 1,
        maxLength: 8,
      }),
      (changes) => {
        const mutated = Buffer.from(frame);
        for (const [at, value] of changes) mutated[at] = value;
        const result = decompress(codec, mutated, 30_000);
        if (result.kind === "decompressed") {
          expect(result.bytes.length).toBeLessThanOrEqual(30_000);
        }
      },
    ),
    { numRuns: 300 },
  );
});

test.each(compressing)("%s survives any bytes", (codec) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const result = decompress(codec, bytes, 1000);
      if (result.kind === "decompressed") expect(result.bytes.length).toBeLessThanOrEqual(1000);
    }),
    { numRuns: 300 },
  );
});

test.each(compressing)("a bomb in %s stops at the bound", (codec) => {
  const bomb = compress(codec, Buffer.alloc(20_000_000));
  expect(bomb.length).toBeLessThan(2_000_000);
  expect(decompress(codec, bomb, 1_000_000).kind).toBe("tooLarge");
});

test("a snappy block that claims more than its bytes can make is refused before it is allocated", () => {
  // 0xffffffff bytes claimed by ten.
  const claim = Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f, 0, 0, 0, 0, 0]);
  expect(decompress("snappy", claim, Number.MAX_SAFE_INTEGER).kind).toBe("corruptInput");
});

test("snappy streams put one behind the other are read as one, as snappy-java reads them", () => {
  const stream = compress("snappy", Buffer.from("kafka"));
  const two = Buffer.concat([stream, stream]);
  expect(decompressed("snappy", two, 100).toString()).toBe("kafkakafka");
});

test("a chunk of a snappy stream with a negative or zero length is corrupt", () => {
  const header = compress("snappy", Buffer.alloc(0));
  expect(header.length).toBe(16);
  for (const length of [-1, 0, 0x7fff_ffff]) {
    const chunk = Buffer.alloc(4 + 5);
    chunk.writeInt32BE(length);
    expect(decompress("snappy", Buffer.concat([header, chunk]), 100).kind).toBe("corruptInput");
  }
});

test("the bound holds over all chunks of a snappy stream together", () => {
  const block = snappyBlock(Buffer.alloc(600));
  const length = Buffer.alloc(4);
  length.writeInt32BE(block.length);
  const stream = Buffer.concat([compress("snappy", Buffer.alloc(0)), length, block, length, block]);
  expect(decompress("snappy", stream, 1200).kind).toBe("decompressed");
  expect(decompress("snappy", stream, 1199).kind).toBe("tooLarge");
});

test("zstd frames in a row are read as one, within one bound", () => {
  const two = Buffer.concat([
    zstdCompressSync(Buffer.alloc(600)),
    zstdCompressSync(Buffer.alloc(600)),
  ]);
  expect(decompressed("zstd", two, 1200).length).toBe(1200);
  expect(decompress("zstd", two, 1199).kind).toBe("tooLarge");
  expect(decompress("zstd", two, 600).kind).toBe("tooLarge");
});

test("a thousand empty zstd frames are refused, because each costs a decoder", () => {
  const empty = zstdCompressSync(Buffer.alloc(0));
  const many = Buffer.concat(Array.from({ length: 1000 }, () => empty));
  expect(decompress("zstd", many, 1000).kind).toBe("corruptInput");
});

test("garbage behind a zstd or lz4 frame is corrupt", () => {
  const garbage = Buffer.from("garbage");
  for (const codec of ["zstd", "lz4"] as const) {
    const frame = Buffer.concat([compress(codec, Buffer.from("kafka")), garbage]);
    expect(decompress(codec, frame, 1000).kind).toBe("corruptInput");
  }
});

test("bytes in shared memory, where the hot ring is, are read like any", () => {
  for (const codec of compressing) {
    const frame = compress(codec, inputs.small);
    const shared = new Uint8Array(new SharedArrayBuffer(frame.length));
    shared.set(frame);
    expect(decompressed(codec, shared, 1000).equals(inputs.small)).toBe(true);
    const input = new Uint8Array(new SharedArrayBuffer(inputs.small.length));
    input.set(inputs.small);
    expect(decompressed(codec, compress(codec, input), 1000).equals(inputs.small)).toBe(true);
  }
});

test("uncompressed records are the same bytes, and have the same bound", () => {
  expect(decompress("none", inputs.small, 1000)).toEqual({
    kind: "decompressed",
    bytes: inputs.small,
  });
  expect(decompress("none", inputs.small, 3).kind).toBe("tooLarge");
  expect(compress("none", inputs.small)).toBe(inputs.small);
});

test("a level makes gzip and zstd try harder", () => {
  const input = Buffer.from(
    Array.from({ length: 3000 }, (_, index) => `${index * 7919},`).join(""),
  );
  expect(compress("gzip", input, 9).length).toBeLessThan(compress("gzip", input, 1).length);
  expect(compress("zstd", input, 19).length).toBeLessThan(compress("zstd", input, 1).length);
  expect(compress("gzip", input).length).toBe(gzipSync(input).length);
});

test("lz4 is written with independent blocks, the only kind the Java client reads", () => {
  const frame = compress("lz4", inputs.big);
  expect(frame[4]! & 0xe0).toBe(0x60);
});

test("codecs have Kafka's numbers", () => {
  expect(codecNames.map(codecId)).toEqual([0, 1, 2, 3, 4]);
  expect(codecNames.map((_, id) => codecOfId(id))).toEqual([...codecNames]);
  expect([5, 6, 7].map(codecOfId)).toEqual([null, null, null]);
});

test("a snappy stream of countless chunks with next to nothing in them is refused", () => {
  const header = compress("snappy", Buffer.alloc(0));
  const empty = Buffer.from([0, 0, 0, 1, 0]);
  const stream = (count: number) => Buffer.concat([header, Buffer.alloc(5 * count, empty)]);
  expect(decompress("snappy", stream(1_000), 100).kind).toBe("decompressed");
  expect(decompress("snappy", stream(200_000), 100).kind).toBe("corruptInput");
});
