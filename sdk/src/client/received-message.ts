import type { Codec } from "../codecs.ts";
import { MyelinError } from "../errors.ts";
import type { FetchedRecord } from "./fetched-record.ts";

/** A message read from a topic. */
export type ReceivedMessage<Value> = {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: Date;
  /** The key as text; `raw.key` has its bytes. */
  readonly key: string | null;
  readonly value: Value;
  /** As text; of several with one name the last. `raw.headers` has all, as bytes. */
  readonly headers: Readonly<Record<string, string>>;
  readonly raw: RawMessage;
};

/** The bytes of a message as they are in the topic. */
export type RawMessage = {
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: readonly (readonly [string, Uint8Array])[];
};

const noHeaders: Readonly<Record<string, string>> = Object.freeze({});

/** The message of a record, or the MyelinError (`INVALID_VALUE`) that says why its value cannot be decoded. */
export async function receivedMessage<Value>(
  record: FetchedRecord,
  codec: Codec<Value>,
): Promise<ReceivedMessage<Value> | MyelinError> {
  const value = await decode(record, codec);
  if (value instanceof MyelinError) return value;
  const { topic, partition, offset, timestampMs, key, headers } = record;
  return {
    topic,
    partition,
    offset,
    timestamp: new Date(timestampMs),
    key: key === null ? null : text(key),
    value: value.decoded,
    headers: headers.length === 0 ? noHeaders : headerTexts(headers),
    raw: { key, value: record.value, headers },
  };
}

async function decode<Value>(
  record: FetchedRecord,
  codec: Codec<Value>,
): Promise<{ decoded: Value } | MyelinError> {
  const { topic, partition, offset, value } = record;
  if (value === null) {
    if (codec.decodeNull !== undefined) return { decoded: codec.decodeNull() };
    return new MyelinError(
      "INVALID_VALUE",
      `Offset ${offset} of ${topic} partition ${partition} has no value (it deletes its key); to read such messages wrap the codec: nullable(...)`,
    );
  }
  try {
    const decoded = codec.decode(value);
    return { decoded: decoded instanceof Promise ? await decoded : decoded };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return new MyelinError(
      "INVALID_VALUE",
      `Offset ${offset} of ${topic} partition ${partition} cannot be decoded: ${why}`,
      { cause: error },
    );
  }
}

function headerTexts(
  headers: readonly (readonly [string, Uint8Array])[],
): Readonly<Record<string, string>> {
  // Without a prototype: a header may be called anything.
  const texts = Object.create(null) as Record<string, string>;
  for (const [name, value] of headers) texts[name] = text(value);
  return texts;
}

function text(value: Uint8Array): string {
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("utf8");
}
