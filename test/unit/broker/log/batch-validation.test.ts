import fc from "fast-check";
import { expect, test } from "vitest";
import {
  validateBatch,
  type BatchRules,
  type BatchValidation,
  type ProduceContext,
} from "../../../../broker/log/batch-validation.ts";
import { codecNames, type Codec } from "../../../../protocol/compression/codec.ts";
import {
  batchField,
  codecAt,
  isCrcValidAt,
  maxTimestampAt,
  stampCrc,
  stampLogAppendTime,
  stampMaxTimestamp,
  timestampTypeAt,
} from "../../../../protocol/records/batch.ts";
import {
  assembleBatch,
  buildBatch,
  type BatchOptions,
  type NewRecord,
} from "../../../../protocol/records/build.ts";
import { decodeBatch } from "../../../../protocol/records/decode.ts";
import { compress } from "../../../../protocol/compression/compress.ts";
import { javaBatches } from "../../protocol/records/java-batches.ts";

const nowMs = 1_700_000_000_000;
const hourMs = 3_600_000;
const compressing = ["gzip", "snappy", "lz4", "zstd"] as const;

const rules = (over: Partial<BatchRules> = {}): BatchRules => ({
  maxMessageBytes: 100_000,
  segmentBytes: 1_000_000,
  isCompacted: false,
  compressionType: "producer",
  timestampType: "CreateTime",
  timestampBeforeMaxMs: Infinity,
  timestampAfterMaxMs: hourMs,
  checksRecords: false,
  maxDecompressedBytes: 1_000_000,
  ...over,
});

const context = (over: Partial<ProduceContext> = {}): ProduceContext => ({
  produceVersion: 12,
  nowMs,
  ...over,
});

const record = (over: Partial<NewRecord> = {}): NewRecord => ({
  key: Buffer.from("k"),
  value: Buffer.from("value"),
  timestamp: nowMs,
  ...over,
});

const batchOf = (
  options: BatchOptions = {},
  records: readonly NewRecord[] = [record(), record()],
): Uint8Array => buildBatch(records, options);

const judge = (bytes: Uint8Array | null, over: Partial<BatchRules> = {}): BatchValidation =>
  validateBatch(bytes, rules(over), context());

/** A batch changed by hand, with a CRC that says it was meant. */
const forged = (change: (bytes: Buffer) => void, base: Uint8Array = batchOf()): Uint8Array => {
  const bytes = Buffer.from(base);
  change(bytes);
  stampCrc(bytes, 0);
  return bytes;
};

const valid = (result: BatchValidation) => {
  if (result.kind !== "valid") throw new Error(`${result.error}: ${result.message}`);
  return result;
};

test.each(codecNames)(
  "a sound batch with %s is valid, its bytes are those sent, its facts are the header's",
  (codec) => {
    const bytes = batchOf({
      codec,
      producerId: 5,
      producerEpoch: 1,
      baseSequence: 9,
      isTransactional: true,
    });
    const sent = Buffer.from(bytes);
    const result = valid(judge(bytes));
    expect(result.bytes).toBe(bytes);
    expect(sent.equals(bytes)).toBe(true);
    expect(result.facts).toEqual({
      codec,
      recordCount: 2,
      lastOffsetDelta: 1,
      baseTimestamp: nowMs,
      maxTimestamp: nowMs,
      timestampType: "CreateTime",
      producerId: 5,
      producerEpoch: 1,
      baseSequence: 9,
      isTransactional: true,
      sizeBytes: bytes.length,
    });
  },
);

test.each(Object.entries(javaBatches))(
  "the Java client's batch with %s is valid, all records looked at",
  (_, base64) => {
    expect(judge(Buffer.from(base64, "base64"), { checksRecords: true }).kind).toBe("valid");
  },
);

test.each([
  ["null records", null, "INVALID_RECORD"],
  ["no bytes", Buffer.alloc(0), "INVALID_RECORD"],
  ["two batches", Buffer.concat([batchOf(), batchOf()]), "INVALID_RECORD"],
  [
    "a batch and the start of another",
    Buffer.concat([batchOf(), Buffer.alloc(5)]),
    "INVALID_RECORD",
  ],
  ["half a batch", batchOf().subarray(0, 70), "INVALID_RECORD"],
  ["magic 1", forged((bytes) => bytes.writeInt8(1, batchField.magic)), "INVALID_RECORD"],
  [
    "a length below the header's",
    forged((bytes) => bytes.writeInt32BE(20, batchField.length), batchOf()),
    "CORRUPT_MESSAGE",
  ],
  ["a base offset other than 0", batchOf({ baseOffset: 3 }), "INVALID_RECORD"],
  ["a CRC that does not hold", batchOf().with(70, 0), "CORRUPT_MESSAGE"],
  ["codec 5", forged((bytes) => bytes.writeInt16BE(5, batchField.attributes)), "INVALID_RECORD"],
  [
    "no records",
    forged((bytes) => bytes.writeInt32BE(0, batchField.recordCount)),
    "INVALID_RECORD",
  ],
  [
    "a count that contradicts the last offset",
    forged((bytes) => bytes.writeInt32BE(5, batchField.lastOffsetDelta)),
    "INVALID_RECORD",
  ],
  ["control records", batchOf({ isControl: true }), "INVALID_RECORD"],
  [
    "a delete horizon",
    forged((bytes) => bytes.writeInt16BE(0x40, batchField.attributes)),
    "INVALID_RECORD",
  ],
  ["a producer without a sequence", batchOf({ producerId: 5, producerEpoch: 0 }), "INVALID_RECORD"],
  ["a producer without an epoch", batchOf({ producerId: 5, baseSequence: 0 }), "INVALID_RECORD"],
  ["a transaction without a producer", batchOf({ isTransactional: true }), "INVALID_RECORD"],
  ["a log append time", batchOf({ timestampType: "LogAppendTime" }), "INVALID_TIMESTAMP"],
])("%s: refused with the error Kafka gives", (_, bytes, error) => {
  expect(judge(bytes)).toMatchObject({ kind: "rejected", error });
});

test("zstd needs Produce version 7", () => {
  const bytes = batchOf({ codec: "zstd" });
  expect(validateBatch(bytes, rules(), context({ produceVersion: 6 }))).toMatchObject({
    error: "UNSUPPORTED_COMPRESSION_TYPE",
  });
  expect(validateBatch(bytes, rules(), context({ produceVersion: 7 })).kind).toBe("valid");
});

test("max.message.bytes counts the whole batch, compressed", () => {
  const bytes = batchOf();
  expect(judge(bytes, { maxMessageBytes: bytes.length }).kind).toBe("valid");
  expect(judge(bytes, { maxMessageBytes: bytes.length - 1 })).toMatchObject({
    error: "MESSAGE_TOO_LARGE",
  });
});

test("a batch that is too large says so even if it is corrupt too: only that makes a producer split it", () => {
  expect(judge(batchOf().with(70, 0), { maxMessageBytes: 70 })).toMatchObject({
    error: "MESSAGE_TOO_LARGE",
  });
});

test("a batch larger than a segment is refused", () => {
  const bytes = batchOf();
  expect(judge(bytes, { segmentBytes: bytes.length - 1 })).toMatchObject({
    error: "RECORD_LIST_TOO_LARGE",
  });
});

test.each(codecNames)("a compacted topic names the records without a key, with %s", (codec) => {
  const bytes = batchOf({ codec }, [
    record(),
    record({ key: null }),
    record({ key: Buffer.alloc(0) }),
    record({ key: null }),
  ]);
  expect(judge(bytes).kind).toBe("valid");
  expect(judge(bytes, { isCompacted: true })).toMatchObject({
    error: "INVALID_RECORD",
    recordErrors: [{ batchIndex: 1 }, { batchIndex: 3 }],
  });
});

test.each(codecNames)(
  "a timestamp too far in the future is refused and its record named, with %s",
  (codec) => {
    const tooLate = nowMs + hourMs + 1;
    const bytes = batchOf({ codec }, [
      record(),
      record({ timestamp: tooLate }),
      record({ timestamp: nowMs + hourMs }),
    ]);
    expect(judge(bytes)).toMatchObject({
      error: "INVALID_TIMESTAMP",
      recordErrors: [{ batchIndex: 1 }],
    });
    expect(judge(bytes, { timestampAfterMaxMs: hourMs + 1 }).kind).toBe("valid");
  },
);

test.each(codecNames)(
  "a timestamp too far in the past is refused where the topic limits it, with %s",
  (codec) => {
    const bytes = batchOf({ codec }, [
      record(),
      record({ timestamp: nowMs - 11 }),
      record({ timestamp: nowMs - 10 }),
    ]);
    expect(judge(bytes).kind).toBe("valid");
    expect(judge(bytes, { timestampBeforeMaxMs: 10 })).toMatchObject({
      error: "INVALID_TIMESTAMP",
      recordErrors: [{ batchIndex: 1 }],
    });
  },
);

test("records without a timestamp pass every limit", () => {
  const bytes = batchOf({}, [record({ timestamp: -1 })]);
  expect(judge(bytes, { timestampBeforeMaxMs: 10 }).kind).toBe("valid");
});

test("of many bad records a bounded number is named", () => {
  const bytes = batchOf(
    {},
    Array.from({ length: 500 }, () => record({ key: null })),
  );
  const result = judge(bytes, { isCompacted: true });
  expect(result.kind === "rejected" && result.recordErrors?.length).toBe(100);
});

test("a topic with LogAppendTime stamps its own time and looks at no other", () => {
  const bytes = batchOf({ codec: "gzip" }, [record({ timestamp: nowMs + 10 * hourMs })]);
  const result = valid(judge(bytes, { timestampType: "LogAppendTime" }));
  expect(timestampTypeAt(result.bytes, 0)).toBe("LogAppendTime");
  expect(maxTimestampAt(result.bytes, 0)).toBe(nowMs);
  expect(isCrcValidAt(result.bytes, 0)).toBe(true);
  expect(result.facts).toMatchObject({ timestampType: "LogAppendTime", maxTimestamp: nowMs });
});

test("a largest timestamp in the header that is not the records' is put right where the records are seen", () => {
  for (const wrong of [5, nowMs + 10 * hourMs]) {
    const bytes = Buffer.from(batchOf());
    stampMaxTimestamp(bytes, 0, wrong);
    const result = valid(judge(bytes));
    expect(result.facts.maxTimestamp).toBe(nowMs);
    expect(isCrcValidAt(result.bytes, 0)).toBe(true);
  }
});

/** A batch whose records part is anything, compressed, under a header that claims one record. */
const withPayload = (codec: Codec, payload: Uint8Array): Uint8Array =>
  assembleBatch(compress(codec, payload), {
    baseOffset: 0,
    leaderEpoch: -1,
    codec,
    timestampType: "CreateTime",
    isTransactional: false,
    isControl: false,
    lastOffsetDelta: 0,
    baseTimestamp: nowMs,
    maxTimestamp: nowMs,
    producerId: -1,
    producerEpoch: -1,
    baseSequence: -1,
    recordCount: 1,
  });

test("records that are no records are refused: always if not compressed, else where the topic has them looked at", () => {
  const garbage = Buffer.from("these are no records");
  expect(judge(withPayload("none", garbage))).toMatchObject({ error: "INVALID_RECORD" });
  for (const codec of compressing) {
    const bytes = withPayload(codec, garbage);
    expect(judge(bytes).kind).toBe("valid");
    expect(judge(bytes, { checksRecords: true })).toMatchObject({ error: "INVALID_RECORD" });
    expect(judge(bytes, { isCompacted: true })).toMatchObject({ error: "INVALID_RECORD" });
  }
});

test("a count that is not the records' is refused", () => {
  const payload = batchOf().subarray(61);
  expect(judge(withPayload("none", payload))).toMatchObject({ error: "INVALID_RECORD" });
  expect(judge(withPayload("zstd", payload), { checksRecords: true })).toMatchObject({
    error: "INVALID_RECORD",
  });
});

test("a compressed batch that counts more records than it could ever hold is refused unread", () => {
  const counting = (count: number) =>
    forged(
      (bytes) => {
        bytes.writeInt32BE(count - 1, 23);
        bytes.writeInt32BE(count, 57);
      },
      withPayload("zstd", Buffer.alloc(100)),
    );
  const bound = { maxDecompressedBytes: 7_000 };
  expect(judge(counting(1_000), bound).kind).toBe("valid");
  expect(judge(counting(1_001), bound)).toMatchObject({ error: "INVALID_RECORD" });
  expect(judge(counting(0x7fff_ffff))).toMatchObject({ error: "INVALID_RECORD" });
});

test("a bomb is refused as too large, without being unpacked", () => {
  for (const codec of compressing) {
    const bytes = withPayload(codec, Buffer.alloc(1_100_000));
    expect(judge(bytes, { checksRecords: true, maxMessageBytes: 200_000 })).toMatchObject({
      error: "MESSAGE_TOO_LARGE",
    });
  }
});

test.each(compressing)(
  "compression.type %s re-compresses what comes otherwise and leaves what comes so",
  (target) => {
    for (const codec of codecNames) {
      const bytes = batchOf({ codec, producerId: 5, producerEpoch: 1, baseSequence: 9 });
      const result = valid(judge(bytes, { compressionType: target }));
      expect(codecAt(result.bytes, 0)).toBe(target);
      expect(isCrcValidAt(result.bytes, 0)).toBe(true);
      expect(result.bytes === bytes).toBe(codec === target);
      expect(result.facts).toMatchObject({
        codec: target,
        producerId: 5,
        baseSequence: 9,
        sizeBytes: result.bytes.length,
      });
      expect(decodeBatch(result.bytes, 0, 10_000)).toEqual(decodeBatch(bytes, 0, 10_000));
    }
  },
);

test("compression.type uncompressed unpacks, and what no longer fits is refused", () => {
  const bytes = batchOf({ codec: "zstd" }, [record({ value: Buffer.alloc(5000) })]);
  const unpacked = valid(judge(bytes, { compressionType: "uncompressed" }));
  expect(codecAt(unpacked.bytes, 0)).toBe("none");
  expect(judge(bytes, { compressionType: "uncompressed", maxMessageBytes: 5000 })).toMatchObject({
    error: "MESSAGE_TOO_LARGE",
  });
});

test("a re-compressed batch of a LogAppendTime topic has the time and a right CRC", () => {
  const result = valid(
    judge(batchOf({ codec: "gzip" }), { compressionType: "lz4", timestampType: "LogAppendTime" }),
  );
  const expected = Buffer.from(result.bytes);
  stampLogAppendTime(expected, 0, nowMs);
  expect(expected.equals(result.bytes)).toBe(true);
});

test("any change to a sound batch is refused or leaves a sound batch, and never throws", () => {
  const bases = codecNames.map((codec) =>
    batchOf({ codec, producerId: 5, producerEpoch: 1, baseSequence: 9 }),
  );
  fc.assert(
    fc.property(
      fc.constantFrom(...bases),
      fc.array(fc.tuple(fc.nat(200), fc.nat(255)), { minLength: 1, maxLength: 6 }),
      fc.boolean(),
      fc.record({
        isCompacted: fc.boolean(),
        checksRecords: fc.boolean(),
        recompresses: fc.boolean(),
      }),
      (base, changes, hasRightCrc, over) => {
        const bytes = Buffer.from(base);
        for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
        if (hasRightCrc && bytes.readInt32BE(8) === bytes.length - 12) stampCrc(bytes, 0);
        const { recompresses, ...rest } = over;
        const result = judge(bytes, {
          ...rest,
          compressionType: recompresses ? "snappy" : "producer",
        });
        if (result.kind === "rejected") return;
        expect(isCrcValidAt(result.bytes, 0)).toBe(true);
        expect(result.facts.sizeBytes).toBe(result.bytes.length);
        if (over.checksRecords) {
          expect(decodeBatch(result.bytes, 0, 1_000_000).kind).toBe("decoded");
        }
      },
    ),
    { numRuns: 1500 },
  );
});

test("any bytes at all are judged", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 150 }), (bytes) => {
      expect(judge(bytes).kind).toBe("rejected");
    }),
  );
});
