import { expect, test } from "vitest";
import { ResponseWriter } from "../../../../broker/server/response-writer.ts";
import type { Connection } from "../../../../ports/network.ts";
import { testRange } from "../../../support/handler-bench.ts";
import { createSimulatedSocket } from "../../../support/simulated-socket.ts";
import { patterned, settle } from "./server-stage.ts";

const kib = 1024;
const mib = 1024 * kib;

function writerTo(connection: Connection) {
  const broken: string[] = [];
  const writer = new ResponseWriter(connection, {
    writeBytes: mib,
    taken: () => undefined,
    broken: (reason) => broken.push(reason),
  });
  return { writer, broken };
}

const header = patterned(70);

function responseOf(...ranges: { range: ReturnType<typeof testRange>["range"] }[]) {
  const parts = ranges.flatMap(({ range }) => [header, range]);
  const byteLength = parts.reduce((sum, part) => sum + part.byteLength, 0);
  return { parts, byteLength, sent: () => undefined };
}

test("a socket that takes everything is written to in large pieces, header and records together", () => {
  const socket = createSimulatedSocket(Infinity);
  const { writer } = writerTo(socket.connection);
  const bytes = patterned(3 * mib);
  writer.push(responseOf(testRange(bytes)));
  writer.flush();
  expect(socket.writes).toEqual([mib, mib, mib, header.length]);
  expect(socket.received().equals(Buffer.concat([header, bytes]))).toBe(true);
});

test("a slow socket is handed less and less, so that it holds little, and a fast one more again", () => {
  const socket = createSimulatedSocket(0);
  const { writer } = writerTo(socket.connection);
  const bytes = patterned(6 * mib);
  const made = testRange(bytes);
  writer.push(responseOf(made));
  writer.flush();
  for (let round = 0; round < 6; round++) socket.drain(0);
  expect(socket.writes).toEqual([1024, 512, 256, 128, 64, 64, 64].map((size) => size * kib));
  expect(made.state.pinnedBytes).toBe(64 * kib);
  socket.drain(Infinity);
  expect(socket.writes.slice(7, 12)).toEqual([64, 128, 256, 512, 1024].map((size) => size * kib));
  expect(socket.received().equals(Buffer.concat([header, bytes]))).toBe(true);
});

test("the header of records that are still being read waits for the first of them", async () => {
  const socket = createSimulatedSocket(Infinity);
  const { writer } = writerTo(socket.connection);
  const [first, second] = [patterned(1_000), patterned(2_000)];
  writer.push(responseOf(testRange(first, { isLate: true }), testRange(second, { isLate: true })));
  writer.flush();
  expect(socket.writes).toEqual([]);
  // Another response becomes ready meanwhile.
  const next = { parts: [patterned(10)], byteLength: 10, sent: () => undefined };
  writer.push(next);
  writer.flush();
  expect(socket.writes).toEqual([]);
  await settle();
  expect(socket.writes).toEqual([1_140, 2_010]);
  const expected = Buffer.concat([header, first, header, second, patterned(10)]);
  expect(socket.received().equals(expected)).toBe(true);
});

test("what comes next is read ahead while the socket takes what came before, a piece or so of it", () => {
  const socket = createSimulatedSocket(0);
  const { writer } = writerTo(socket.connection);
  const made = [2.5 * mib, 0.25 * mib, 4 * mib, mib].map((size) => testRange(patterned(size)));
  writer.push(responseOf(...made));
  writer.flush();
  expect(made.map(({ readAhead }) => readAhead)).toEqual([[mib - 70], [], [], []]);
  socket.drain(Infinity);
  for (const { readAhead } of made.slice(1)) expect(readAhead.length).toBeGreaterThan(0);
});

test("a reader whose hold others need is given up, once", () => {
  const socket = createSimulatedSocket(0);
  const { writer, broken } = writerTo(socket.connection);
  const made = [testRange(patterned(mib)), testRange(patterned(mib))];
  writer.push(responseOf(...made));
  writer.flush();
  for (const { giveUps } of made) for (const giveUp of giveUps) giveUp();
  expect(broken).toHaveLength(1);
  writer.close();
  socket.drain(0);
  for (const { state } of made) expect(state).toMatchObject({ pinnedBytes: 0, releaseCount: 1 });
});
