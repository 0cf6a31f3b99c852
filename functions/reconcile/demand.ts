import type { LoadReport, LoadSample } from "../../metadata/load/load-report.ts";
import { loadIntervalMs, maxLoadSamples } from "../../metadata/load/load-report.ts";

/** What one broker is reckoned to carry. */
export type Capacity = {
  /** In and out together, replication included. */
  readonly bytesPerSecond: number;
  readonly connectionCount: number;
};

/**
 * A Fargate task's network is not published; 50 MB/s is what its lower sizes are seen to keep up. A broker takes 10,000 connections. Past either the cell
 * grows although the CPU has time left; most loads are bound by that.
 */
export const defaultCapacity: Capacity = { bytesPerSecond: 50_000_000, connectionCount: 10_000 };

/** How many brokers the load asks for, in the whole cell. */
export type Demand = {
  /** With fewer it grows: so many are seven tenths full by the mean of the last three minutes. */
  readonly atLeast: number;
  /** With more it may shrink: so many would have been half full at the busiest of the last quarter of an hour. Never below `atLeast`. */
  readonly atMost: number;
  /** Every broker has told of the whole quarter of an hour; only then does the cell shrink or sleep. */
  readonly isKnown: boolean;
  /** No record was written or read in it. */
  readonly isIdle: boolean;
};

const growsAbove = 0.7;
const shrinksBelow = 0.5;
const recentSamples = 3;
/** An older report is of a broker that hangs, or cannot write: it says nothing of now. */
const maxAgeMs = 3 * loadIntervalMs;

type Kind = "bytes" | "connections" | "busy";
const kinds: readonly Kind[] = ["bytes", "connections", "busy"];

/** Between the two bounds nothing is changed, and they are so far apart that no change makes another one due. */
export function demandOf(
  loads: ReadonlyMap<number, LoadReport>,
  {
    brokerIds,
    nowMs,
    capacity,
  }: { brokerIds: readonly number[]; nowMs: number; capacity: Capacity },
): Demand {
  const reports = brokerIds
    .flatMap((id) => loads.get(id) ?? [])
    .filter((each) => isFresh(each, nowMs));
  const atLeast = brokersFor(reports, { capacity, share: growsAbove, take: recentMean });
  const atMost = brokersFor(reports, { capacity, share: shrinksBelow, take: peak });
  const isKnown =
    reports.length === brokerIds.length &&
    reports.every(({ samples }) => samples.length >= maxLoadSamples);
  return {
    atLeast,
    atMost: Math.max(atLeast, atMost),
    isKnown,
    isIdle: isKnown && reports.every(({ samples }) => samples.every(isQuiet)),
  };
}

function isFresh({ samples }: LoadReport, nowMs: number): boolean {
  return nowMs - (samples.at(-1)?.atMs ?? -Infinity) <= maxAgeMs;
}

const isQuiet = ({ clientBytesPerSecond }: LoadSample): boolean => clientBytesPerSecond === 0;

/** Of the kind of load that needs most. */
function brokersFor(
  reports: readonly LoadReport[],
  {
    capacity,
    share,
    take,
  }: { capacity: Capacity; share: number; take: (values: readonly number[]) => number },
): number {
  const needed = kinds.map((kind) => {
    const total = reports.reduce(
      (sum, { samples }) => sum + take(samples.map((sample) => shareOf(sample, kind, capacity))),
      0,
    );
    return Math.ceil(total / share);
  });
  return Math.max(0, ...needed);
}

function shareOf(sample: LoadSample, kind: Kind, capacity: Capacity): number {
  switch (kind) {
    case "bytes":
      return (sample.bytesInPerSecond + sample.bytesOutPerSecond) / capacity.bytesPerSecond;
    case "connections":
      return sample.connectionCount / capacity.connectionCount;
    case "busy":
      return sample.busyShare;
  }
}

function recentMean(values: readonly number[]): number {
  const recent = values.slice(-recentSamples);
  return recent.reduce((sum, value) => sum + value, 0) / Math.max(1, recent.length);
}

function peak(values: readonly number[]): number {
  return Math.max(0, ...values);
}
