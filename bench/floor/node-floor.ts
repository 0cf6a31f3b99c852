// The floor again, in the runtime that the broker has: what one Node process needs to receive, check, copy and write, or to send, with nothing around it. The
// difference to floor.c is what the runtime costs; the difference of the broker to this is what the broker's own code costs. Run by main.ts.
import { fork } from "node:child_process";
import { ftruncateSync, openSync, write, writeSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { crc32c } from "@node-rs/crc32";

const megabyte = 1024 * 1024;
const ringBytes = 128 * megabyte;
const fileBytes = 128 * megabyte;
const fileCount = 4;

type Options = {
  mode: "receive" | "send" | "peer-send" | "peer-receive";
  totalBytes: number;
  steps: readonly string[];
  directory: string;
};

const options = JSON.parse(process.argv[2] ?? "{}") as Options;

function withPeer(mode: Options["mode"], then: (port: number) => void): void {
  const child = fork(fileURLToPath(import.meta.url), [JSON.stringify({ ...options, mode })]);
  child.once("message", (port) => then(Number(port)));
}

function report(cpu: NodeJS.CpuUsage, startedAt: number): never {
  const used = process.cpuUsage(cpu);
  const line = {
    bytes: options.totalBytes,
    seconds: (performance.now() - startedAt) / 1000,
    user: used.user / 1e6,
    system: used.system / 1e6,
  };
  writeSync(1, `${JSON.stringify(line)}\n`);
  process.exit(0);
}

type RingWriter = { written: () => number; offer: (end: number) => void };

/** Writes what gathers in the ring while one write is under way with the next one, as group commit does. */
function ringWriter(ring: Uint8Array, onWritten: () => void): RingWriter {
  const files = Array.from({ length: fileCount }, (_, index) =>
    openSync(join(options.directory, `floor-${index}`), "w+"),
  );
  if (options.steps.includes("recycled")) for (const file of files) writeSync(file, ring);
  let written = 0;
  let end = 0;
  let isWriting = false;
  const next = (): void => {
    if (isWriting || written === end) return;
    isWriting = true;
    const at = written % ringBytes;
    const count = Math.min(end - written, ringBytes - at, 4 * megabyte);
    const file = files[Math.floor(written / fileBytes) % fileCount]!;
    if (at === 0 && options.steps.includes("fresh")) ftruncateSync(file, 0);
    write(file, ring, at, count, at, (error, done) => {
      if (error !== null) throw error;
      written += done;
      isWriting = false;
      next();
      onWritten();
    });
  };
  return {
    written: () => written,
    offer(newEnd) {
      end = newEnd;
      next();
    },
  };
}

function receive(port: number): void {
  const ring = new Uint8Array(new SharedArrayBuffer(ringBytes)).fill(1);
  const has = (step: string): boolean => options.steps.includes(step);
  const [hasCrc, hasCopy, hasWrite] = [has("crc"), has("copy"), has("recycled") || has("fresh")];
  let waiting: (() => void) | null = null;
  const writer = hasWrite ? ringWriter(ring, () => waiting?.()) : null;
  const cpu = process.cpuUsage();
  const startedAt = performance.now();
  let received = 0;
  // Backpressure, and the end: both wait until little enough, or nothing, is unwritten.
  const whenWritten = (then: () => void): void => {
    waiting = () => {
      const unwritten = writer === null ? 0 : received - writer.written();
      if (unwritten > 0 && (unwritten >= ringBytes / 4 || received >= options.totalBytes)) return;
      waiting = null;
      then();
    };
    waiting();
  };
  // The broker's way: the socket reads into memory of ours.
  const callback = (count: number, chunk: Uint8Array): boolean => {
    const bytes = chunk.subarray(0, count);
    if (hasCrc) crc32c(bytes);
    for (let from = 0; hasCopy && from < count;) {
      const at = (received + from) % ringBytes;
      const fits = Math.min(count - from, ringBytes - at);
      ring.set(bytes.subarray(from, from + fits), at);
      from += fits;
    }
    received += count;
    writer?.offer(received);
    if (received >= options.totalBytes) whenWritten(() => report(cpu, startedAt));
    if (writer === null || received - writer.written() < ringBytes / 2) return true;
    socket.pause();
    whenWritten(() => socket.resume());
    return true;
  };
  const onread = { buffer: Buffer.alloc(megabyte, 1), callback };
  const socket: Socket = connect({ port, host: "127.0.0.1", onread });
}

function send(port: number): void {
  const ring = Buffer.from(new SharedArrayBuffer(ringBytes)).fill(1);
  const cpu = process.cpuUsage();
  const startedAt = performance.now();
  let sent = 0;
  const socket = connect({ port, host: "127.0.0.1" });
  const more = (): void => {
    while (sent < options.totalBytes) {
      const at = sent % ringBytes;
      const count = Math.min(256 * 1024, ringBytes - at, options.totalBytes - sent);
      sent += count;
      if (!socket.write(ring.subarray(at, at + count))) return;
    }
    socket.end(() => report(cpu, startedAt));
  };
  socket.on("drain", more);
  socket.on("connect", more);
}

/** The other end: a process of its own whose CPU time is not counted. It listens, tells its port, and sends or receives as fast as it can. */
function peer(): void {
  const buffer = Buffer.alloc(4 * megabyte, 1);
  const server = createServer((socket) => {
    socket.on("error", () => process.exit(0)).on("close", () => process.exit(0));
    if (options.mode === "peer-receive") return void socket.resume();
    let sent = 0;
    const more = (): void => {
      while (sent < options.totalBytes) {
        const count = Math.min(buffer.length, options.totalBytes - sent);
        sent += count;
        if (!socket.write(buffer.subarray(0, count))) return;
      }
    };
    socket.on("drain", more);
    more();
  });
  server.listen(0, "127.0.0.1", () => process.send?.((server.address() as AddressInfo).port));
}

if (options.mode === "receive") withPeer("peer-send", receive);
else if (options.mode === "send") withPeer("peer-receive", send);
else peer();
