import type { Codec } from "../codecs.ts";
import { MyelinError, toMyelinError } from "../errors.ts";
import { parseDuration } from "../units.ts";
import type { FetchedRecord } from "./fetched-record.ts";
import type { Chunk, FetchPlace } from "./fetcher.ts";
import { Fetcher } from "./fetcher.ts";
import type { InvalidValues, OnInvalid } from "./invalid-values.ts";
import { createInvalidValues } from "./invalid-values.ts";
import type { ReceivedMessage } from "./received-message.ts";
import { receivedMessage } from "./received-message.ts";
import { topicMetadata } from "./topic-metadata.ts";

/**
 * Where to start in each partition: its first message, what comes after now, the first message of that time or later (`{ ago: "2h" }` counts back from
 * now), an offset, or as many messages before the end as a negative number says.
 */
export type ReadFrom = "beginning" | "end" | Date | { readonly ago: string | number } | number;

export type ReaderOptions<Value> = {
  topics: readonly string[];
  /** Only these partitions of each topic. */
  partitions?: readonly number[];
  /** How bytes become values; text by default. */
  value?: Codec<Value>;
  /** `end` by default. */
  from?: ReadFrom;
  /** Ends where the partitions end when reading starts. */
  untilEnd?: boolean;
  /** Ends after so many messages. */
  count?: number;
  /** What to do with a value that cannot be decoded; `throw` by default. */
  onInvalid?: OnInvalid;
  clientId?: string;
  /** Ends the loop and closes the reader. */
  signal?: AbortSignal;
  /** How often a request is tried again before an address that does not answer is an error; 8 by default. */
  retries?: number;
};

/** Messages of whole topics, or parts of them, without a group; reads once, and closes itself with the loop. Partitions take turns; within one messages are in order. */
export type Reader<Value> = AsyncIterable<ReceivedMessage<Value>> & {
  /** Messages between the start and the end as of now; known once the first message has been asked for. */
  readonly total: number | null;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
};

type Range = { topic: string; partition: number; start: number; end: number };

export function createReader<Value>(
  bootstrapServers: string,
  options: ReaderOptions<Value> & { value: Codec<Value> },
): Reader<Value> {
  const { topics, clientId = "myelin-sdk", signal, retries = 8 } = options;
  const fetcher = new Fetcher({
    bootstrapServers,
    clientId,
    topics,
    retries,
    outOfRange: "beginning",
  });
  const onInvalid = options.onInvalid ?? "throw";
  const invalid = createInvalidValues({ onInvalid, bootstrapServers, clientId });
  let total: number | null = null;
  let closing: Promise<void> | null = null;
  let isReading = false;

  const close = (): Promise<void> => {
    closing ??= Promise.all([fetcher.close(), invalid.close()]).then(() => undefined);
    return closing;
  };
  signal?.addEventListener("abort", () => void close(), { once: true });

  async function* read(): AsyncGenerator<ReceivedMessage<Value>, undefined> {
    if (isReading)
      throw new MyelinError("INVALID_ARGUMENT", "A reader reads once: make another to read again");
    isReading = true;
    if (signal?.aborted === true) await close();
    if (closing !== null) return;
    try {
      const ranges = await findRanges(fetcher, options).catch((error: unknown) => {
        // Closed while it was still finding out where to read: that is an end, not a failure.
        if (closing === null) throw error;
        return [];
      });
      if (closing !== null) return;
      total = ranges.reduce((sum, { start, end }) => sum + Math.max(0, end - start), 0);
      const isOver = (): boolean => closing !== null;
      let left = options.count ?? Infinity;
      if (left <= 0) return;
      for await (const record of records(fetcher, ranges, { ...options, isOver })) {
        const message = await decoded(record, options.value, invalid);
        if (message === null) continue;
        yield message;
        if (--left <= 0) return;
      }
    } finally {
      await close();
    }
  }

  return {
    get total() {
      return total;
    },
    [Symbol.asyncIterator]: read,
    close,
    [Symbol.asyncDispose]: close,
  };
}

async function decoded<Value>(
  record: FetchedRecord,
  codec: Codec<Value>,
  invalid: InvalidValues,
): Promise<ReceivedMessage<Value> | null> {
  const message = await receivedMessage(record, codec);
  if (!(message instanceof MyelinError)) return message;
  await invalid.deal(record, message);
  return null;
}

/** Records of all ranges as they come in; ends with the ranges if `untilEnd` is set. */
async function* records(
  fetcher: Fetcher,
  ranges: readonly Range[],
  { untilEnd = false, isOver }: { untilEnd?: boolean; isOver: () => boolean },
): AsyncGenerator<FetchedRecord> {
  const ends = new Map<FetchPlace, number>();
  for (const { topic, partition, start, end } of ranges) {
    if (untilEnd && start >= end) continue;
    ends.set(fetcher.add(topic, partition, start), end);
  }
  while (!isOver() && (!untilEnd || ends.size > 0)) {
    const chunk = fetcher.take();
    if (chunk !== null) {
      const end = untilEnd ? (ends.get(chunk.place) ?? 0) : Infinity;
      for (const record of chunk.records) {
        if (isOver()) return;
        if (record.offset < end) yield record;
      }
      if (isPast(chunk, end)) finish(fetcher, ends, chunk.place);
      continue;
    }
    // Nothing is left to take: partitions that ended in markers or compacted records have no record at their last offset.
    if (untilEnd) {
      for (const [place, end] of ends) if (place.position >= end) finish(fetcher, ends, place);
      if (ends.size === 0) return;
    }
    await fetcher.changed();
  }
}

function isPast({ records: taken }: Chunk, end: number): boolean {
  const last = taken.at(-1);
  return last !== undefined && last.offset + 1 >= end;
}

function finish(fetcher: Fetcher, ends: Map<FetchPlace, number>, place: FetchPlace): void {
  fetcher.remove(place.topic, place.partition);
  ends.delete(place);
}

async function findRanges<Value>(
  { client }: Fetcher,
  { topics, partitions, from = "end", retries = 8 }: ReaderOptions<Value>,
): Promise<Range[]> {
  try {
    await topicMetadata(client, topics, { retries });
    const chosen =
      partitions === undefined
        ? {}
        : { partitions: Object.fromEntries(topics.map((topic) => [topic, [...partitions]])) };
    const ask = (timestamp: bigint) =>
      client.listOffsets({ topics: [...topics], timestamp, ...chosen });
    const [first, end] = [await ask(-2n), await ask(-1n)];
    const atTime = timeOf(from);
    const timed = atTime === null ? null : await ask(BigInt(atTime));
    return [...end].flatMap(([topic, ends]) =>
      ends.flatMap((last, partition) => {
        const bounds = {
          first: Number(first.get(topic)?.[partition] ?? 0n),
          end: Number(last),
          timed: Number(timed?.get(topic)?.[partition] ?? -1n),
        };
        return { topic, partition, start: startOf(from, bounds), end: bounds.end };
      }),
    );
  } catch (error) {
    throw toMyelinError(error, `Reading ${topics.join(", ")} failed`);
  }
}

function timeOf(from: ReadFrom): number | null {
  if (from instanceof Date) return from.getTime();
  if (typeof from === "object") return Date.now() - parseDuration(from.ago);
  return null;
}

function startOf(from: ReadFrom, at: { first: number; end: number; timed: number }): number {
  if (from === "beginning") return at.first;
  if (from === "end") return at.end;
  if (typeof from !== "number") return at.timed < 0 ? at.end : at.timed;
  const wanted = from < 0 ? at.end + from : from;
  return Math.min(Math.max(wanted, at.first), at.end);
}
