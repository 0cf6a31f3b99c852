import fc from "fast-check";
import { expect, test } from "vitest";
import { apiTable } from "../../../protocol/api-table.ts";
import {
  readRequestBody,
  readRequestHead,
  readResponse,
  writeRequestFrame,
  writeResponseFrame,
} from "../../../protocol/api-frame.ts";
import {
  apiVersionsRequest,
  apiVersionsResponse,
} from "../../../protocol/messages/api-versions.ts";
import {
  describeTopicPartitionsRequest,
  describeTopicPartitionsResponse,
} from "../../../protocol/messages/describe-topic-partitions.ts";
import { fetchRequest, fetchResponse } from "../../../protocol/messages/fetch.ts";
import { heartbeatRequest, heartbeatResponse } from "../../../protocol/messages/heartbeat.ts";
import { metadataRequest } from "../../../protocol/messages/metadata.ts";
import { produceRequest } from "../../../protocol/messages/produce.ts";
import { DecodeError } from "../../../protocol/schema/decode-error.ts";
import type { Encoded } from "../../../protocol/schema/encode.ts";
import type { Message } from "../../../protocol/schema/message.ts";

// Frames worked out by hand from Kafka's protocol guide: size, header and body, field by field.

const origin = { correlationId: 7, clientId: "c" };

function hex(text: string): Buffer {
  return Buffer.from(text.replaceAll(/\s/g, ""), "hex");
}

function joined(encoded: Encoded): Buffer {
  return Buffer.concat(encoded.parts.map((part) => part as Uint8Array));
}

function readWhole<D, E>(request: Message<D, E>, frame: Uint8Array): D | DecodeError {
  const head = readRequestHead(frame);
  return head instanceof DecodeError ? head : readRequestBody(request, head, frame);
}

test("Heartbeat 3, the last version with fixed-size lengths", () => {
  const frame = hex(`
    0000001d 000c 0003 00000007 0001 63
    0001 67  00000005  0003 6d2d31  0004 696e7374`);
  const body = { groupId: "g", generationId: 5, memberId: "m-1", groupInstanceId: "inst" };
  expect(joined(writeRequestFrame(heartbeatRequest, 3, origin, body))).toEqual(frame);
  expect(readWhole(heartbeatRequest, frame.subarray(4))).toEqual(body);
});

test("Heartbeat 4, compact, with tagged fields that are skipped when unknown", () => {
  const frame = hex(`
    0000001a 000c 0004 00000007 0001 63 00
    02 67  00000005  04 6d2d31  00  01 2a 02 beef`);
  expect(readWhole(heartbeatRequest, frame.subarray(4))).toEqual({
    groupId: "g",
    generationId: 5,
    memberId: "m-1",
    groupInstanceId: null,
  });
});

test("the answer to Heartbeat 4 has tagged fields in header and body", () => {
  const frame = hex("0000000c 00000007 00  00000000 001b 00");
  const body = { throttleTimeMs: 0, errorCode: 27 };
  expect(joined(writeResponseFrame(heartbeatResponse, 4, 7, body))).toEqual(frame);
  expect(readResponse(heartbeatResponse, 4, frame.subarray(4))).toEqual({ correlationId: 7, body });
});

test("ApiVersions 3 is asked with a flexible header and answered with a plain one", () => {
  const asked = hex("00000014 0012 0003 00000007 0001 63 00  03 6a73 04 312e30 00");
  const body = { clientSoftwareName: "js", clientSoftwareVersion: "1.0" };
  expect(joined(writeRequestFrame(apiVersionsRequest, 3, origin, body))).toEqual(asked);

  const answered = hex(`
    00000031 00000007  0000
    02 0012 0000 0004 00
    00000000
    03
    00 0f 02 09 666561742e782e79 0000 0001 00
    01 08 0000000000000005
    03 01 01`);
  const response = {
    errorCode: 0,
    apiKeys: [{ apiKey: 18, minVersion: 0, maxVersion: 4 }],
    throttleTimeMs: 0,
    supportedFeatures: [{ name: "feat.x.y", minVersion: 0, maxVersion: 1 }],
    finalizedFeaturesEpoch: 5,
    zkMigrationReady: true,
  };
  expect(joined(writeResponseFrame(apiVersionsResponse, 3, 7, response))).toEqual(answered);
});

test("Metadata 0 asks for all topics with an empty list, Metadata 1 with null", () => {
  const empty = hex("0003 0000 00000007 0001 63  00000000");
  expect(readWhole(metadataRequest, empty)).toMatchObject({ topics: [] });
  const none = hex("0003 0001 00000007 0001 63  ffffffff");
  expect(readWhole(metadataRequest, none)).toMatchObject({
    topics: null,
    allowAutoTopicCreation: true,
  });
  const nullInVersion0 = readWhole(metadataRequest, hex("0003 0000 00000007 0001 63  ffffffff"));
  expect(nullInVersion0).toBeInstanceOf(DecodeError);
});

test("Produce 9 lends its records as a slice of the frame", () => {
  const frame = hex(`
    0000 0009 00000007 ffff 00
    00  ffff  00007530  02  02 74  02  00000003  05 deadbeef  00 00 00`);
  const body = readWhole(produceRequest, frame);
  expect(body).toMatchObject({ transactionalId: null, acks: -1, timeoutMs: 30_000 });
  if (body instanceof DecodeError) throw body;
  const records = body.topicData[0]?.partitionData[0]?.records;
  expect(Buffer.from(records ?? [])).toEqual(hex("deadbeef"));
  expect(records?.buffer).toBe(frame.buffer);
});

test("Fetch 18 carries topic ids in 16 bytes and Java's largest long for an unknown high watermark", () => {
  const topicId = hex("000102030405060708090a0b0c0d0e0f");
  const partition = {
    partition: 1,
    fetchOffset: 2 ** 40 + 1,
    partitionMaxBytes: 1024,
  };
  const body = {
    maxWaitMs: 500,
    minBytes: 1,
    topics: [{ topicId: topicId.toString("base64url"), partitions: [partition] }],
  };
  const start = "0001 0012 00000007 0001 63 00 000001f4 00000001 7fffffff 00 00000000 ffffffff";
  const fetched = "00000001 ffffffff 0000010000000001 ffffffff ffffffffffffffff 00000400";
  const whole = hex(`${start} 02 ${topicId.toString("hex")} 02 ${fetched} 00 00 01 01 00`);
  const frame = joined(writeRequestFrame(fetchRequest, 18, origin, body));
  expect(frame.subarray(4).toString("hex")).toBe(whole.toString("hex"));
  expect(frame.readInt32BE(0)).toBe(whole.length);

  const explicit = hex(
    `${start} 02 ${topicId.toString("hex")} 02 ${fetched} 01 01 08 7fffffffffffffff 00 01 01 00`,
  );
  expect(readWhole(fetchRequest, explicit)).toEqual(readWhole(fetchRequest, whole));
});

test("Fetch answers send log ranges as parts of their own, counted in the frame's size", () => {
  const range = { byteLength: 1_000_000, segment: 3, position: 4096 };
  const large = new Uint8Array(2_000).fill(9);
  const partition = { errorCode: 0, highWatermark: 10 };
  const encoded = writeResponseFrame(fetchResponse, 12, 7, {
    responses: [
      {
        topic: "t",
        partitions: [
          { ...partition, partitionIndex: 0, records: range },
          { ...partition, partitionIndex: 1, records: large },
        ],
      },
    ],
  });
  const [first, second, third, fourth] = encoded.parts;
  expect(encoded.parts).toHaveLength(5);
  expect(second).toBe(range);
  expect(fourth).toBe(large);
  expect(third).toBeInstanceOf(Uint8Array);
  const lengths = encoded.parts.map((part) => part.byteLength);
  expect(lengths.reduce((sum, length) => sum + length, 0)).toBe(encoded.byteLength);
  expect(Buffer.from(first as Uint8Array).readInt32BE(0)).toBe(encoded.byteLength - 4);

  const filled = encoded.parts.map((part) =>
    part instanceof Uint8Array ? part : new Uint8Array(part.byteLength),
  );
  const read = readResponse(fetchResponse, 12, Buffer.concat(filled).subarray(4));
  if (read instanceof DecodeError) throw read;
  const records = read.body.responses[0]?.partitions.map((part) => part.records?.byteLength);
  expect(records).toEqual([1_000_000, 2_000]);
});

test("a struct that may be null has a byte in front: 1 or -1", () => {
  const without = hex("004b 0000 00000007 0001 63 00  02 02 74 00  000007d0 ff 00");
  expect(readWhole(describeTopicPartitionsRequest, without)).toEqual({
    topics: [{ name: "t" }],
    responsePartitionLimit: 2000,
    cursor: null,
  });
  const answer = {
    throttleTimeMs: 0,
    topics: [],
    nextCursor: { topicName: "t", partitionIndex: 9 },
  };
  expect(joined(writeResponseFrame(describeTopicPartitionsResponse, 0, 7, answer))).toEqual(
    hex("00000013 00000007 00  00000000 01 01 02 74 00000009 00 00"),
  );
});

test("the header of an unknown API, or of a version yet to come, can be read", () => {
  const unknown = readRequestHead(hex("7000 0001 00000007 0001 63 ffff"));
  expect(unknown).toMatchObject({ api: undefined, bodyOffset: 11, header: { clientId: "c" } });
  const future = readRequestHead(hex("0012 7fff 00000007 ffff 00"));
  expect(future).toMatchObject({
    api: { name: "ApiVersions" },
    bodyOffset: 11,
    header: { clientId: null },
  });
});

test("a header that is cut short, or too long inside, is a DecodeError", () => {
  expect(readRequestHead(hex("0012 0003 0000"))).toBeInstanceOf(DecodeError);
  expect(readRequestHead(hex("0012 0003 00000007 7fff 61"))).toBeInstanceOf(DecodeError);
  expect(readRequestHead(hex("0012 0003 00000007 0000 01 00 05 61"))).toBeInstanceOf(DecodeError);
});

test("bytes behind a request are ignored, behind a response they are not", () => {
  expect(readWhole(metadataRequest, hex("0003 0001 00000007 0001 63  ffffffff 01"))).toMatchObject({
    topics: null,
  });
  const response = hex("00000007 0000 01");
  expect(readResponse(heartbeatResponse, 0, response)).toBeInstanceOf(DecodeError);
});

test("a request of more elements than any honest one is a DecodeError, however many bytes it has", () => {
  const start = hex("0003 0001 00000007 0001 63");
  const names = (count: number): Buffer => {
    const frame = Buffer.alloc(start.length + 4 + count * 2);
    start.copy(frame);
    frame.writeInt32BE(count, start.length);
    return frame;
  };
  expect(readWhole(metadataRequest, names(100_000))).toMatchObject({ topics: { length: 100_000 } });
  expect(readWhole(metadataRequest, names(250_001))).toBeInstanceOf(DecodeError);
});

test("no bytes make a frame throw", () => {
  const keys = fc.oneof(
    fc.constantFrom(...apiTable.map(({ key }) => key)),
    fc.integer({ min: -1, max: 200 }),
  );
  fc.assert(
    fc.property(
      keys,
      fc.nat({ max: 15 }),
      fc.uint8Array({ maxLength: 120 }),
      (key, version, rest) => {
        const frame = Buffer.concat([Buffer.alloc(4), rest]);
        frame.writeInt16BE(key, 0);
        frame.writeInt16BE(version, 2);
        const head = readRequestHead(frame);
        if (head instanceof DecodeError || head.api === undefined) return;
        const { request, response } = head.api;
        if (version < request.versions[0] || version > request.versions[1]) return;
        readRequestBody(request, head, frame);
        readResponse(response, version, frame);
      },
    ),
    { numRuns: 2_000 },
  );
});

test("a frame whose size no int32 holds is not written", () => {
  const records = { byteLength: 0x4000_0000 };
  const partition = { partitionIndex: 0, errorCode: 0, highWatermark: 0, records };
  const partitions = [partition, partition];
  const body = { throttleTimeMs: 0, errorCode: 0, sessionId: 0 };
  const write = () =>
    writeResponseFrame(fetchResponse, 11, 7, { ...body, responses: [{ topic: "t", partitions }] });
  expect(write).toThrow(RangeError);
});
