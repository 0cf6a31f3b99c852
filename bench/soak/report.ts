import { markdownTable } from "../harness/markdown-table.ts";
import { median, threeDigits } from "../harness/statistics.ts";
import { isClean, type SoakReport } from "./soak-report.ts";

/** The report in words, for people. */
export function reportText(report: SoakReport): string {
  const { totals, startMs } = report;
  const whole = (value: number): string => value.toLocaleString("en-US");
  const facts: [string, string][] = [
    ["seed", `${report.seed}`],
    ["minutes", report.minutes.toFixed(1)],
    ...Object.entries(report.deeds).map(([deed, count]): [string, string] => [deed, `${count}`]),
    ["records sent", whole(totals.sent)],
    ["acknowledged", whole(totals.acknowledged)],
    ["fate unknown to the client", whole(totals.unknown)],
    ["stored at the end", whole(totals.stored)],
    ["stored twice by writers that may", whole(totals.repeated)],
    ["seen by readers", whole(totals.sightings)],
    ["commits of groups", whole(totals.commits)],
    ...startFacts(startMs),
    ...Object.entries(report.silences).map(([topic, seconds]): [string, string] => [
      `longest silence of ${topic}, s`,
      seconds.toFixed(1),
    ]),
    ["broker's CPU, seconds per minute", threeDigits(report.cpuSecondsPerMinute)],
  ];
  const trends = report.trends.map(
    ({ measure, settledMinutes, first, last, highest, perHour, isFlat }) => [
      measure,
      settledMinutes.toFixed(1),
      threeDigits(first),
      threeDigits(last),
      threeDigits(highest),
      threeDigits(perHour),
      isFlat ? "flat" : "GROWS",
    ],
  );
  const trendHeader = ["longest life", "minutes", "first", "last", "highest", "per hour", ""];
  return [
    isClean(report) ? "**Nothing found.**" : "**VIOLATIONS**",
    ...report.faults,
    ...Object.entries(report.violations.counts).map(([kind, count]) => `${kind}: ${count}`),
    ...Object.entries(report.violations.byWhom).map(([whose, count]) => `  ${whose}: ${count}`),
    ...report.violations.examples.map((example) => `  ${example}`),
    "",
    markdownTable(["", ""], facts),
    "",
    trends.length === 0
      ? "No life was long enough to judge memory by."
      : markdownTable(trendHeader, trends),
    "",
    `Clients: ${report.clients.join(", ")}`,
    ...report.leftOut.map((each) => `Left out: ${each}`),
    "",
    markdownTable(
      ["what failed and was tried again, or given up", "times"],
      Object.entries(report.troubles).map(([what, count]) => [
        what.replaceAll("|", "\\|"),
        `${count}`,
      ]),
    ),
    "",
  ].join("\n");
}

function startFacts(startMs: readonly number[]): [string, string][] {
  if (startMs.length === 0) return [];
  const longest = Math.max(...startMs).toLocaleString("en-US");
  return [["ready after, ms: median, longest", `${threeDigits(median(startMs))}, ${longest}`]];
}
