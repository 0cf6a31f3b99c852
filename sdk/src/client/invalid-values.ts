import { bytes } from "../codecs.ts";
import type { MyelinError } from "../errors.ts";
import type { FetchedRecord } from "./fetched-record.ts";
import { Producer } from "./producer.ts";

/**
 * What happens to a message whose value cannot be decoded: the loop throws (and the message comes again), it is left out, or it is put into another
 * topic as it is, with headers that say where it came from and why it is there.
 */
export type OnInvalid = "throw" | "skip" | { readonly deadLetter: string };

export type InvalidValues = {
  /** Resolves once the message is dealt with; throws the error where that is what was asked for. */
  deal(record: FetchedRecord, error: MyelinError): Promise<void>;
  close(): Promise<void>;
};

export function createInvalidValues({
  onInvalid,
  bootstrapServers,
  clientId,
}: {
  onInvalid: OnInvalid;
  bootstrapServers: string;
  clientId: string;
}): InvalidValues {
  let producer: Producer<Uint8Array> | null = null;
  return {
    async deal(record, error) {
      if (onInvalid === "throw") throw error;
      if (onInvalid === "skip") return;
      producer ??= new Producer(bootstrapServers, { value: bytes, clientId });
      await producer.send(onInvalid.deadLetter, {
        key: record.key,
        value: record.value,
        headers: {
          ...Object.fromEntries(record.headers),
          "myelin.origin.topic": record.topic,
          "myelin.origin.partition": String(record.partition),
          "myelin.origin.offset": String(record.offset),
          "myelin.error": error.message,
        },
        timestamp: new Date(record.timestampMs),
      });
    },
    async close() {
      await producer?.close();
    },
  };
}
