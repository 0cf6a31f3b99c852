import { pairedRatios, type Spread } from "../harness/statistics.ts";
import type { Figures } from "../load/figures.ts";
import type { Workload } from "../load/workloads.ts";

/** What is better when it is higher (throughput), and what when it is lower (cost, latency, memory). */
export type Ratio = {
  readonly workload: string;
  readonly figure: string;
  readonly isBetterHigher: boolean;
  readonly ours: readonly number[];
  readonly theirs: readonly number[];
  readonly ratio: Spread;
};

type Figure = { name: string; isBetterHigher: boolean; of: (run: Figures) => number | undefined };

const throughputFigures: readonly Figure[] = [
  { name: "MB/s", isBetterHigher: true, of: (run) => run.megabytesPerSecond },
  { name: "CPU s/GB", isBetterHigher: false, of: (run) => run.cpuSecondsPerGb },
  { name: "user s/GB", isBetterHigher: false, of: (run) => run.userSecondsPerGb },
  { name: "RSS MB", isBetterHigher: false, of: (run) => run.rssPeakMb },
  { name: "PSS MB", isBetterHigher: false, of: (run) => run.pssMb },
];

const latencyFigures: readonly Figure[] = [
  { name: "acknowledged p50 ms", isBetterHigher: false, of: (run) => run.acknowledged?.p50 },
  { name: "acknowledged p99 ms", isBetterHigher: false, of: (run) => run.acknowledged?.p99 },
  { name: "acknowledged p99.9 ms", isBetterHigher: false, of: (run) => run.acknowledged?.p999 },
  { name: "received p50 ms", isBetterHigher: false, of: (run) => run.received?.p50 },
  { name: "received p99 ms", isBetterHigher: false, of: (run) => run.received?.p99 },
  { name: "received p99.9 ms", isBetterHigher: false, of: (run) => run.received?.p999 },
  { name: "CPU us/record", isBetterHigher: false, of: (run) => run.cpuMicrosPerRecord },
  { name: "RSS MB", isBetterHigher: false, of: (run) => run.rssPeakMb },
  { name: "PSS MB", isBetterHigher: false, of: (run) => run.pssMb },
];

/** Ours divided by theirs for every figure of the workload, in pairs of the same round; rounds that only one of them finished are left out. */
export function ratiosOf(
  workload: Workload,
  runs: readonly Figures[],
  [ours, theirs]: readonly [string, string],
): Ratio[] {
  const of = (target: string): Figures[] =>
    runs.filter((run) => run.workload === workload.name && run.target === target);
  const pairs = of(ours).flatMap((run) => {
    const partner = of(theirs).find(({ round }) => round === run.round);
    return partner === undefined ? [] : [[run, partner] as const];
  });
  return (workload.kind === "latency" ? latencyFigures : throughputFigures).flatMap((figure) => {
    const values = pairs.map(([run, partner]) => [figure.of(run), figure.of(partner)] as const);
    const both = values.filter(
      (pair): pair is readonly [number, number] => pair[0] !== undefined && pair[1] !== undefined,
    );
    if (both.length === 0) return [];
    const [left, right] = [both.map(([value]) => value), both.map(([, value]) => value)];
    return [
      {
        workload: workload.name,
        figure: figure.name,
        isBetterHigher: figure.isBetterHigher,
        ours: left,
        theirs: right,
        ratio: pairedRatios(left, right),
      },
    ];
  });
}
