// What brokers say of their load, for whoever decides how many there should be: one small object for each, written anew every minute. Not in the metadata
// log, which has no place for statistics (architecture 3.2).
import { z } from "zod";

const sampleShape = z.object({
  /** Wall time at its end. */
  atMs: z.number(),
  /** How long it measured. */
  seconds: z.number().positive(),
  /** Appended to the log, replicas that follow included. */
  bytesInPerSecond: z.number().nonnegative(),
  /** Answered to clients and to followers. */
  bytesOutPerSecond: z.number().nonnegative(),
  /** Records' bytes that clients produced and consumers were given. */
  clientBytesPerSecond: z.number().nonnegative(),
  connectionCount: z.number().nonnegative(),
  /** Share of the time in which the broker's one data thread had something to do; also what it waited for its share of a CPU. */
  busyShare: z.number().min(0).max(1),
});

const reportShape = z.object({
  brokerId: z.number(),
  zone: z.string(),
  /** Oldest first. */
  samples: z.array(sampleShape).max(100),
});

export type LoadSample = z.infer<typeof sampleShape>;
export type LoadReport = z.infer<typeof reportShape>;

/** How often a broker measures, and writes. */
export const loadIntervalMs = 60_000;
/** Samples of one report: a quarter of an hour. */
export const maxLoadSamples = 15;

export function loadPrefix(cell: string): string {
  return `cells/${cell}/load/`;
}

export function loadKey(cell: string, brokerId: number): string {
  return `${loadPrefix(cell)}${brokerId}`;
}

/** Whose report a key holds; null for a key that is not ours. */
export function brokerOfLoadKey(key: string): number | null {
  const name = key.slice(key.lastIndexOf("/") + 1);
  return /^\d{1,15}$/.test(name) ? Number(name) : null;
}

export function encodeLoadReport(report: LoadReport): Uint8Array {
  return Buffer.from(JSON.stringify(report));
}

/** Null for what cannot be read, as a version to come may write it. */
export function decodeLoadReport(bytes: Uint8Array): LoadReport | null {
  try {
    const read = reportShape.safeParse(JSON.parse(Buffer.from(bytes).toString("utf8")));
    return read.success ? read.data : null;
  } catch {
    return null; // Not JSON.
  }
}
