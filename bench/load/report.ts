import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type BarChart, barChartSvg } from "../harness/bar-chart.ts";
import { markdownTable } from "../harness/markdown-table.ts";
import { spreadOf, spreadText, threeDigits } from "../harness/statistics.ts";
import type { Figures } from "./figures.ts";
import type { Workload } from "./workloads.ts";

export type Grouped = {
  readonly workload: Workload;
  readonly target: string;
  readonly runs: readonly Figures[];
};

/** The runs of each workload and target, in the order of the workloads. */
export function group(workloads: readonly Workload[], runs: readonly Figures[]): Grouped[] {
  const targets = [...new Set(runs.map(({ target }) => target))];
  return workloads.flatMap((workload) =>
    targets.flatMap((target) => {
      const own = runs.filter((run) => run.workload === workload.name && run.target === target);
      return own.length === 0 ? [] : [{ workload, target, runs: own }];
    }),
  );
}

const over = (runs: readonly Figures[], of: (run: Figures) => number): string =>
  spreadText(spreadOf(runs.map(of)));

export function loadTable(grouped: readonly Grouped[]): string {
  const header = [
    "work",
    "broker",
    "MB/s",
    "records/s",
    "CPU s/GB",
    "user",
    "system",
    "RSS MB",
    "client cores",
    "client",
    "note",
  ];
  const rows = grouped
    .filter(({ workload }) => workload.kind !== "latency")
    .map(({ workload, target, runs }) => [
      workload.title,
      target,
      over(runs, (run) => run.megabytesPerSecond),
      over(runs, (run) => run.recordsPerSecond),
      over(runs, (run) => run.cpuSecondsPerGb),
      over(runs, (run) => run.userSecondsPerGb),
      over(runs, (run) => run.systemSecondsPerGb),
      threeDigits(Math.max(...runs.map((run) => run.rssPeakMb))),
      over(runs, (run) => run.clientCores),
      runs[0]?.client ?? "",
      notes(runs),
    ]);
  return rows.length === 0 ? "" : markdownTable(header, rows);
}

export function latencyTable(grouped: readonly Grouped[]): string {
  const header = [
    "fixed rate, open loop",
    "broker",
    "counted",
    "p50 ms",
    "p99 ms",
    "p99.9 ms",
    "max ms",
    "CPU us/record",
    "RSS MB",
    "note",
  ];
  const rows = grouped
    .filter(({ workload }) => workload.kind === "latency")
    .flatMap(({ workload, target, runs }) =>
      (["acknowledged", "received"] as const).flatMap((counted) => {
        if (runs.some((run) => run[counted] === undefined)) return [];
        return [
          [
            workload.title,
            target,
            counted,
            over(runs, (run) => run[counted]?.p50 ?? Number.NaN),
            over(runs, (run) => run[counted]?.p99 ?? Number.NaN),
            over(runs, (run) => run[counted]?.p999 ?? Number.NaN),
            over(runs, (run) => run[counted]?.max ?? Number.NaN),
            over(runs, (run) => run.cpuMicrosPerRecord),
            threeDigits(Math.max(...runs.map((run) => run.rssPeakMb))),
            notes(runs),
          ],
        ];
      }),
    );
  return rows.length === 0 ? "" : markdownTable(header, rows);
}

/** What a reader must know before trusting a row. */
export function notes(runs: readonly Figures[]): string {
  const failed = runs.reduce((sum, run) => sum + run.failed, 0);
  const disturbed = runs.filter((run) => run.isDisturbed).length;
  const worst = Math.max(...runs.map((run) => run.otherCores));
  return [
    failed > 0 ? `${failed} failed: ${runs.find((run) => run.failed > 0)?.error}` : "",
    disturbed > 0 ? `disturbed ${disturbed}/${runs.length} (up to ${worst.toFixed(2)} cores)` : "",
  ]
    .filter(Boolean)
    .join("; ");
}

export function loadCharts(grouped: readonly Grouped[]): Record<string, string> {
  const throughput = grouped.filter(({ workload }) => workload.kind !== "latency");
  const fixedRate = grouped.filter(({ workload }) => workload.kind === "latency");
  const chart = (
    title: string,
    unit: string,
    of: { rows: readonly Grouped[]; value: (run: Figures) => number },
  ): BarChart => ({
    title,
    unit,
    groups: [...new Set(of.rows.map(({ workload }) => workload.title))].map((label) => ({
      label: shorten(label),
      bars: of.rows
        .filter(({ workload }) => workload.title === label)
        .map(({ target, runs }) => {
          const spread = spreadOf(runs.map(of.value));
          return {
            label: target,
            value: spread.median,
            lowest: spread.lowest,
            highest: spread.highest,
          };
        }),
    })),
  });
  return {
    "throughput.svg": barChartSvg(
      chart("Throughput", "MB/s", { rows: throughput, value: (run) => run.megabytesPerSecond }),
    ),
    "cpu.svg": barChartSvg(
      chart("CPU of the broker", "seconds per GB", {
        rows: throughput,
        value: (run) => run.cpuSecondsPerGb,
      }),
    ),
    "memory.svg": barChartSvg(
      chart("Resident memory, highest", "MB", { rows: grouped, value: (run) => run.rssPeakMb }),
    ),
    "latency-p99.svg": barChartSvg(
      chart("p99 to acknowledgement", "ms", {
        rows: fixedRate,
        value: (run) => run.acknowledged?.p99 ?? Number.NaN,
      }),
    ),
  };
}

const shorten = (label: string): string => (label.length > 38 ? `${label.slice(0, 37)}…` : label);

/** Writes results.json, results.md and the charts. */
export function writeReport(
  directory: string,
  report: { json: unknown; markdown: string; charts: Record<string, string> },
): void {
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, "results.json"), `${JSON.stringify(report.json, null, 2)}\n`);
  writeFileSync(join(directory, "results.md"), report.markdown);
  for (const [name, svg] of Object.entries(report.charts))
    writeFileSync(join(directory, name), svg);
}
