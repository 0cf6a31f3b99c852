import { describe, expect, test } from "vitest";
import { writeRequestFrame, writeResponseFrame } from "../../../../protocol/api-frame.ts";
import { findCoordinatorResponse } from "../../../../protocol/messages/find-coordinator.ts";
import { metadataRequest } from "../../../../protocol/messages/metadata.ts";
import type { Encoded } from "../../../../protocol/schema/encode.ts";
import type { Pending } from "../../../../sdk/src/tunnel/kafka-streams.ts";
import { rewriteResponses, watchRequests } from "../../../../sdk/src/tunnel/kafka-streams.ts";

const bytesOf = ({ parts }: Encoded): Buffer =>
  Buffer.concat(parts.filter((part) => part instanceof Uint8Array));

/** A frame of some API that carries records: size, key or correlation id, and what nobody reads. */
function opaque(head: readonly number[], bodyBytes: number): Buffer {
  const body = Buffer.concat([Buffer.from(head), Buffer.alloc(bodyBytes, 7)]);
  const size = Buffer.alloc(4);
  size.writeInt32BE(body.length);
  return Buffer.concat([size, body]);
}

async function* inPieces(bytes: Buffer, pieceBytes: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
}

async function collect(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of source) parts.push(part);
  return Buffer.concat(parts);
}

const metadata = bytesOf(
  writeRequestFrame(metadataRequest, 4, { correlationId: 11, clientId: "c" }, {
    topics: null,
    allowAutoTopicCreation: false,
  } as never),
);
/** Produce v9, correlation id 12. */
const produce = opaque([0, 0, 0, 9, 0, 0, 0, 12], 5_000);

function coordinatorAnswer(correlationId: number, host: string): Buffer {
  return bytesOf(
    writeResponseFrame(findCoordinatorResponse, 1, correlationId, {
      errorCode: 0,
      errorMessage: null,
      nodeId: 1,
      host,
      port: 9092,
    } as never),
  );
}

describe("requests", () => {
  test.each([1, 3, 7, 100, 100_000])(
    "pass as they are, and those that name brokers are noted, in pieces of %d bytes",
    async (pieceBytes) => {
      const pending: Pending = new Map();
      const sent = Buffer.concat([produce, metadata, produce]);
      const passed = await collect(watchRequests(inPieces(sent, pieceBytes), pending));
      expect(passed.equals(sent)).toBe(true);
      expect([...pending]).toEqual([[11, { apiKey: 3, apiVersion: 4 }]]);
    },
  );

  test("that are none of Kafka's end the connection", async () => {
    const sent = Buffer.from("\0\0\0\u0001 is not a request", "latin1");
    const passed = collect(watchRequests(inPieces(sent, 100), new Map()));
    await expect(passed).rejects.toThrow("not Kafka's protocol");
  });

  test("are not noted without end", async () => {
    const many = Array.from({ length: 1_001 }, (_, id) => {
      const copy = Buffer.from(metadata);
      copy.writeInt32BE(id, 8);
      return copy;
    });
    const passed = collect(watchRequests(inPieces(Buffer.concat(many), 50_000), new Map()));
    await expect(passed).rejects.toThrow("1000 requests without an answer");
  });
});

describe("answers", () => {
  const resolve = async () => ({ host: "127.0.0.1", port: 41_000 });
  const asked = { apiKey: 10, apiVersion: 1 };
  /** Of Fetch, correlation id 12. */
  const fetched = opaque([0, 0, 0, 12], 70_000);

  test.each([1, 5, 64, 1_000_000])(
    "that name brokers are changed, others pass, in pieces of %d bytes",
    async (pieceBytes) => {
      const pending: Pending = new Map([[11, asked]]);
      const told = Buffer.concat([fetched, coordinatorAnswer(11, "10.92.0.5"), fetched]);
      const passed = await collect(
        rewriteResponses(inPieces(told, pieceBytes), { pending, resolve }),
      );
      const changed = bytesOf(
        writeResponseFrame(findCoordinatorResponse, 1, 11, {
          errorCode: 0,
          errorMessage: null,
          nodeId: 1,
          host: "127.0.0.1",
          port: 41_000,
        } as never),
      );
      expect(passed.equals(Buffer.concat([fetched, changed, fetched]))).toBe(true);
      expect(pending.size).toBe(0);
    },
  );

  test("whose address cannot be had end the connection, and are not passed on", async () => {
    const pending: Pending = new Map([[11, asked]]);
    const nowhere = () => Promise.reject(new Error("no broker's task has the address"));
    const source = inPieces(coordinatorAnswer(11, "10.92.0.9"), 100);
    const passed = collect(rewriteResponses(source, { pending, resolve: nowhere }));
    await expect(passed).rejects.toThrow("no broker's task");
  });
});
