import { markdownTable } from "../harness/markdown-table.ts";
import { spreadOf, type Spread, threeDigits } from "../harness/statistics.ts";

/** One thing to time: `run` does it `count` times and returns something that depends on the work, so that none of it can be left out. */
export type Subject = {
  readonly name: string;
  /** Bytes that one time goes over, to state GB/s. */
  readonly bytes?: number;
  readonly run: (count: number) => unknown;
};

export type Timing = {
  readonly name: string;
  readonly nanoseconds: Spread;
  readonly bytes: number | null;
};

let sink: unknown;

/**
 * Nanoseconds for one time of each, the subjects taking turns within every round, so that what disturbs the machine for a while disturbs all of them. Three
 * rounds warm the JIT and do not count. `roundMs` is about how long one subject runs in one round.
 */
export function timeAll(
  subjects: readonly Subject[],
  { rounds = 15, roundMs = 12 } = {},
): Timing[] {
  const counts = subjects.map((subject) => calibrate(subject, roundMs));
  const samples = subjects.map((): number[] => []);
  for (let round = -3; round < rounds; round++) {
    for (const [index, subject] of subjects.entries()) {
      const count = counts[index]!;
      const startedAt = performance.now();
      sink = subject.run(count);
      const nanoseconds = ((performance.now() - startedAt) * 1e6) / count;
      if (round >= 0) samples[index]!.push(nanoseconds);
    }
  }
  return subjects.map(({ name, bytes }, index) => ({
    name,
    nanoseconds: spreadOf(samples[index]!),
    bytes: bytes ?? null,
  }));
}

function calibrate(subject: Subject, roundMs: number): number {
  for (let count = 1; ; count *= 2) {
    const startedAt = performance.now();
    sink = subject.run(count);
    const passedMs = performance.now() - startedAt;
    if (passedMs > roundMs / 4) return Math.max(1, Math.round((count * roundMs) / passedMs));
  }
}

export const timingTable = (timings: readonly Timing[]): string =>
  markdownTable(
    ["work", "ns, median", "lowest", "highest", "GB/s"],
    timings.map(({ name, nanoseconds, bytes }) => [
      name,
      threeDigits(nanoseconds.median),
      threeDigits(nanoseconds.lowest),
      threeDigits(nanoseconds.highest),
      bytes === null ? "" : threeDigits(bytes / nanoseconds.median),
    ]),
  );

/** What was last computed; reading it keeps the work alive. */
export const lastResult = (): unknown => sink;
