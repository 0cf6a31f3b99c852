import { open } from "node:fs/promises";
import { Command, Option } from "commander";
import type { Compression } from "../client/compression.ts";
import type { Message, Producer, Sent } from "../client/producer.ts";
import { bytes } from "../codecs.ts";
import { toMyelinError } from "../errors.ts";
import type { Context } from "./context.ts";
import { contextOf } from "./context.ts";
import { CliError } from "./failure.ts";
import { lines } from "./lines.ts";
import { nameAndValue, positiveNumber, wholeNumber } from "./option-values.ts";
import { createProgress } from "./progress.ts";

type ProduceOptions = {
  file?: string;
  key?: string;
  keySeparator?: string;
  header?: Record<string, string>;
  compression: Compression;
  rate?: number;
  partition?: number;
};

export function produceCommand(): Command {
  return new Command("produce")
    .description("send lines as messages, from stdin or a file")
    .argument("<topic>")
    .option("-f, --file <path>", "the lines of this file instead of stdin's")
    .option("-k, --key <text>", "the key of every message")
    .option("-K, --key-separator <text>", "what stands between key and value in a line")
    .option("-H, --header <name=value>", "a header of every message; repeatable", nameAndValue)
    .option("-p, --partition <number>", "all to this partition", wholeNumber)
    .option("--rate <number>", "at most so many messages a second", positiveNumber)
    .addOption(
      new Option("-z, --compression <codec>", "of what is sent")
        .choices(["none", "gzip", "snappy", "lz4", "zstd"])
        .default("zstd"),
    )
    .action(async (topic: string, options: ProduceOptions, command: Command) => {
      if (options.key !== undefined && options.keySeparator !== undefined)
        throw new CliError("--key and --key-separator exclude each other: choose one.", 2);
      await produce(topic, options, await contextOf(command));
    });
}

async function produce(topic: string, options: ProduceOptions, context: Context): Promise<void> {
  const { output } = context;
  const source = options.file === undefined ? stdin() : await file(options.file);
  const producer = (await context.cluster()).producer<Uint8Array>({
    value: bytes,
    compression: options.compression,
    clientId: "myelin-cli",
  });
  const progress = createProgress();
  const stop = new AbortController();
  const interrupt = (): void => stop.abort();
  process.once("SIGINT", interrupt);
  let count = 0;
  try {
    const onSent = (sent: Sent): void => {
      count++;
      if (output.isJson) output.json(sent);
      progress.update(count, source.fraction());
    };
    await sendAll(producer, { topic, options, source, onSent, signal: stop.signal });
  } catch (error) {
    const failure = toMyelinError(error, `Producing to ${topic} failed`);
    output.note(`${counted(count)} sent before the failure.`);
    throw failure;
  } finally {
    process.off("SIGINT", interrupt);
    progress.end();
    await producer.close();
    await source.close();
  }
  if (!output.isJson) output.note(`${counted(count)} sent to ${topic}.`);
}

function counted(count: number): string {
  return `${count.toLocaleString("en-US")} message${count === 1 ? "" : "s"}`;
}

/** Messages on their way at once: enough to fill requests, little enough to stay in memory and in step with a slow broker. */
const maxUnderWay = 20_000;
const maxUnderWayBytes = 16 * 1024 * 1024;

type Sending = {
  topic: string;
  options: ProduceOptions;
  source: Source;
  onSent: (sent: Sent) => void;
  signal: AbortSignal;
};

async function sendAll(producer: Producer<Uint8Array>, sending: Sending): Promise<void> {
  const { topic, options, source, onSent, signal } = sending;
  const startMs = performance.now();
  let sent = 0;
  let underWay: Promise<void>[] = [];
  let underWayBytes = 0;
  for await (const line of lines(source.stream)) {
    if (signal.aborted) break;
    if (underWay.length >= maxUnderWay || underWayBytes >= maxUnderWayBytes) {
      await Promise.all(underWay);
      underWay = [];
      underWayBytes = 0;
    }
    if (options.rate !== undefined) await until(startMs + (sent * 1000) / options.rate);
    const result = producer.send(topic, messageOf(line, options)).then(onSent);
    // Heard of in Promise.all; until then a rejection must not count as nobody's.
    result.catch(() => undefined);
    underWay.push(result);
    underWayBytes += line.length;
    sent++;
  }
  await Promise.all(underWay);
}

function until(ms: number): Promise<void> | void {
  const waitMs = ms - performance.now();
  if (waitMs > 1) return new Promise((resolve) => setTimeout(resolve, waitMs));
}

function messageOf(line: Buffer, options: ProduceOptions): Message<Uint8Array> {
  const fixed = {
    ...(options.header === undefined ? {} : { headers: options.header }),
    ...(options.partition === undefined ? {} : { partition: options.partition }),
  };
  if (options.keySeparator === undefined)
    return { ...fixed, value: line, ...(options.key === undefined ? {} : { key: options.key }) };
  const at = line.indexOf(options.keySeparator);
  if (at === -1) return { ...fixed, value: line };
  const afterKey = at + Buffer.byteLength(options.keySeparator);
  return { ...fixed, key: line.subarray(0, at), value: line.subarray(afterKey) };
}

type Source = {
  stream: AsyncIterable<Uint8Array>;
  /** How much of it has been read, where its length is known. */
  fraction(): number | null;
  close(): Promise<void>;
};

function stdin(): Source {
  return { stream: process.stdin, fraction: () => null, close: async () => {} };
}

async function file(path: string): Promise<Source> {
  try {
    const handle = await open(path);
    const { size } = await handle.stat();
    const stream = handle.createReadStream({ highWaterMark: 256 * 1024 });
    return {
      stream,
      fraction: () => (size === 0 ? null : stream.bytesRead / size),
      close: () => handle.close(),
    };
  } catch (error) {
    throw new CliError(`${path} cannot be read: ${(error as Error).message}.`);
  }
}
