import type { Totals, Violations } from "./ledger.ts";
import type { Sample, Trend } from "./samples.ts";

export type SoakReport = {
  readonly seed: number;
  readonly minutes: number;
  /** What was done to the brokers, and how often. */
  readonly deeds: Readonly<Record<string, number>>;
  readonly clients: readonly string[];
  readonly leftOut: readonly string[];
  readonly totals: Totals;
  readonly violations: Violations;
  /** Violations of other kinds: a broker ended by itself, its log said an error, it did not stop, memory grew, a group does not get on. */
  readonly faults: readonly string[];
  /** What went wrong and was tried again, by who and what. */
  readonly troubles: Readonly<Record<string, number>>;
  /** By topic: the longest it went without an acknowledgement, in seconds. */
  readonly silences: Readonly<Record<string, number>>;
  readonly startMs: readonly number[];
  readonly trends: readonly Trend[];
  readonly cpuSecondsPerMinute: number;
  readonly samples: readonly Sample[];
};

/** Whether anything was found that may not be. */
export const isClean = ({ violations, faults }: SoakReport): boolean =>
  Object.keys(violations.counts).length === 0 && faults.length === 0;
