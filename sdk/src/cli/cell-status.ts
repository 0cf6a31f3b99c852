import { setTimeout as sleep } from "node:timers/promises";
import { Command } from "commander";
import { cellReport } from "./cell-report.ts";
import type { Context } from "./context.ts";
import { contextOf } from "./context.ts";
import { positiveNumber } from "./option-values.ts";

const usualSeconds = 2;

export function statusCommand(): Command {
  return new Command("status")
    .description("is it well, and if not, what is it doing about it")
    .option(
      "-w, --watch [seconds]",
      `again every ${usualSeconds} s, or so many, until Ctrl-C`,
      positiveNumber,
    )
    .action(async (options: { watch?: number | true }, command: Command) => {
      const context = await contextOf(command);
      if (options.watch === undefined) return show(context);
      await watch(context, options.watch === true ? usualSeconds : options.watch);
    });
}

async function show({ myelin, output }: Context, clear = ""): Promise<void> {
  const [cell, operations] = await Promise.all([myelin.cell.status(), myelin.cell.operations()]);
  if (output.isJson) return output.json({ ...cell, operations });
  const { summary, brokers, work } = cellReport(cell, operations);
  // In one go with what is printed, so that the screen does not flicker empty.
  summary.forEach((line, index) => output.line(index === 0 ? clear + line : line));
  output.line("");
  if (brokers.rows.length > 0) output.table(brokers.header, brokers.rows);
  if (work.length > 0) output.line("");
  for (const line of work) output.line(line);
}

const clearScreen = "\u001b[H\u001b[2J\u001b[3J";

async function watch(context: Context, seconds: number): Promise<void> {
  const stop = new AbortController();
  process.once("SIGINT", () => stop.abort());
  const { isTerminal, isJson } = context.output;
  while (!stop.signal.aborted) {
    await show(context, isTerminal && !isJson ? clearScreen : "");
    if (!isTerminal && !isJson) context.output.line("");
    await sleep(seconds * 1_000, undefined, { signal: stop.signal }).catch(() => undefined);
  }
}
