import type { LoadSample } from "../../metadata/load/load-report.ts";
import {
  brokerOfLoadKey,
  encodeLoadReport,
  loadIntervalMs,
  loadKey,
  loadPrefix,
  maxLoadSamples,
} from "../../metadata/load/load-report.ts";
import type { Image } from "../../metadata/image/image.ts";
import type { Clock } from "../../ports/clock.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import type { LogOutput } from "../log-output.ts";
import { startPeriodic } from "../periodic.ts";
import type { LoadCounters } from "./load-counters.ts";

export type LoadReporting = {
  readonly cell: string;
  readonly brokerId: number;
  readonly zone: string;
  readonly clock: Clock;
  readonly objects: ObjectStore;
  readonly image: Image;
  readonly counters: () => LoadCounters;
  /** Since it was last asked, 0 to 1. */
  readonly busyShare: () => number;
  /** Hears of each minute, whether or not its report can be written. */
  readonly onSample: (sample: LoadSample) => void;
  readonly log: LogOutput;
};

/** Rounds between two looks for reports of brokers that are no more, each a listing. */
const roundsPerSweep = 30;

/** Measures and writes this broker's report every minute; the controller's broker also takes away those that nobody writes any more. The result stops it. */
export function startLoadReports(reporting: LoadReporting): () => Promise<void> {
  const { cell, brokerId, zone, clock, objects, image, log } = reporting;
  const measure = createMeasure(reporting);
  const samples: LoadSample[] = [];
  let rounds = 0;

  async function round(): Promise<void> {
    const sample = measure();
    reporting.onSample(sample);
    samples.push(sample);
    if (samples.length > maxLoadSamples) samples.shift();
    await objects.put(loadKey(cell, brokerId), encodeLoadReport({ brokerId, zone, samples }));
    const isTurn = rounds++ % roundsPerSweep === 0;
    if (isTurn && image.controller.brokerId === brokerId) await sweep(reporting);
  }

  return startPeriodic({
    clock,
    intervalMs: loadIntervalMs,
    round,
    failed: (error) =>
      log.warn("the broker's load could not be written; it is tried again in a minute", {
        error: String(error),
      }),
  });
}

/** What was counted since the last call, by the second. Partitions come and go with what they have counted, so a sum may be less than it was. */
function createMeasure({ clock, counters, busyShare }: LoadReporting): () => LoadSample {
  let before = { atMs: clock.monotonicMs(), counted: counters() };
  return () => {
    const now = { atMs: clock.monotonicMs(), counted: counters() };
    const seconds = Math.max(1, now.atMs - before.atMs) / 1_000;
    const rateOf = (name: "bytesIn" | "bytesOut" | "clientBytes"): number =>
      Math.max(0, now.counted[name] - before.counted[name]) / seconds;
    const sample = {
      atMs: clock.nowMs(),
      seconds,
      bytesInPerSecond: rateOf("bytesIn"),
      bytesOutPerSecond: rateOf("bytesOut"),
      clientBytesPerSecond: rateOf("clientBytes"),
      connectionCount: now.counted.connectionCount,
      busyShare: busyShare(),
    };
    before = now;
    return sample;
  };
}

async function sweep({ cell, objects, image }: LoadReporting): Promise<void> {
  for (const { key } of await objects.list(loadPrefix(cell))) {
    const brokerId = brokerOfLoadKey(key);
    if (brokerId !== null && !image.brokers.has(brokerId)) await objects.delete(key);
  }
}
