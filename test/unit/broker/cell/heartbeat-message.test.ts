import { expect, test } from "vitest";
import type { HeartbeatAnswer } from "../../../../broker/cell/cell-events.ts";
import {
  answerFromWire,
  answerToWire,
  heartbeatFromWire,
  heartbeatRequest,
  heartbeatResponse,
  heartbeatToWire,
  heartbeatVersion,
} from "../../../../broker/cell/heartbeat-message.ts";
import { readResponse, writeRequestFrame } from "../../../../protocol/api-frame.ts";
import {
  readRequestBody,
  readRequestHead,
  writeResponseFrame,
} from "../../../../protocol/api-frame.ts";
import { brokerHeartbeatRequest } from "../../../../protocol/messages/broker-heartbeat.ts";
import { DecodeError } from "../../../../protocol/schema/decode-error.ts";
import type { Message } from "../../../../protocol/schema/message.ts";

const header = { correlationId: 7, clientId: "broker-1-heartbeat" };

function bytesOf(parts: readonly unknown[]): Uint8Array {
  return Buffer.concat(parts as Uint8Array[]).subarray(4);
}

function sent<Request, Input>(read: Message<Request, Input>): Request {
  const body = heartbeatToWire(heartbeat, report);
  const { parts } = writeRequestFrame(heartbeatRequest, heartbeatVersion, header, body);
  const frame = bytesOf(parts);
  const head = readRequestHead(frame);
  if (head instanceof DecodeError) throw head;
  const decoded = readRequestBody(read, head, frame, frame.byteLength);
  if (decoded instanceof DecodeError) throw decoded;
  return decoded;
}

const heartbeat = {
  brokerId: 3,
  brokerEpoch: 41,
  counter: 12,
  metadataRevision: 97,
  wantsShutDown: true,
  logReadAgeMs: 12.25,
};
const topicId = "AAAAAAAAAAAAAAAAAAAAAg";
const end = { topicId, index: 4, lastEpoch: 6, logEndOffset: 1_000, highWatermark: 990 };
const report = {
  ends: [
    { ...end, isDamaged: true },
    { ...end, index: 5 },
  ],
  loads: [{ topicId, index: 1, bytesInPerSecond: 10.4, bytesOutPerSecond: 99.6 }],
};

test("a heartbeat arrives as it was sent, its ages rounded up", () => {
  const { heartbeat: said, report: told } = heartbeatFromWire(sent(heartbeatRequest));
  expect(said).toEqual({ ...heartbeat, logReadAgeMs: 13 });
  expect(told.ends).toEqual([
    { ...end, isDamaged: true },
    { ...end, index: 5, isDamaged: false },
  ]);
  expect(told.loads).toEqual([{ topicId, index: 1, bytesInPerSecond: 10, bytesOutPerSecond: 100 }]);
});

test("who knows only Kafka's heartbeat reads it as one", () => {
  expect(sent(brokerHeartbeatRequest)).toMatchObject({
    brokerId: 3,
    brokerEpoch: 41,
    currentMetadataOffset: 97,
    wantFence: false,
    wantShutDown: true,
  });
});

const answers: HeartbeatAnswer[] = [
  {
    error: null,
    controllerEpoch: 4,
    isCaughtUp: true,
    isFenced: false,
    shouldShutDown: false,
    logReadAgeMs: 3,
    isLogUnreadable: true,
  },
  {
    error: "STALE_BROKER_EPOCH",
    controllerEpoch: 5,
    isCaughtUp: false,
    isFenced: true,
    shouldShutDown: true,
    logReadAgeMs: Number.MAX_SAFE_INTEGER - 1,
    isLogUnreadable: false,
  },
];

test.each(answers)("an answer arrives as it was given: %o", (answer) => {
  const { parts } = writeResponseFrame(
    heartbeatResponse,
    heartbeatVersion,
    7,
    answerToWire(answer),
  );
  const read = readResponse(heartbeatResponse, heartbeatVersion, bytesOf(parts));
  if (read instanceof DecodeError) throw read;
  expect(answerFromWire(read.body)).toEqual(answer);
});

test("an error that no controller gives is no answer", () => {
  expect(answerFromWire({ ...wireAnswer(), errorCode: 35 })).toBeNull();
});

function wireAnswer() {
  const { parts } = writeResponseFrame(
    heartbeatResponse,
    heartbeatVersion,
    7,
    answerToWire(answers[0]!),
  );
  const read = readResponse(heartbeatResponse, heartbeatVersion, bytesOf(parts));
  if (read instanceof DecodeError) throw read;
  return read.body;
}
