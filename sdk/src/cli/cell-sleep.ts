import { Command } from "commander";
import { sleepLine } from "./cell-report.ts";
import { contextOf } from "./context.ts";
import { CliError } from "./failure.ts";
import { followOperations } from "./follow-operations.ts";

export function sleepCommand(): Command {
  return new Command("sleep")
    .description("bring all to the object store and let the brokers stop; a broker's start wakes")
    .option("--no-wait", "begin it, and do not wait for its end")
    .action(async ({ wait }: { wait: boolean }, command: Command) => {
      const context = await contextOf(command);
      const begun = await context.myelin.cell.sleep();
      const [sleep = begun] = wait ? await followOperations(context, [begun]) : [begun];
      if (sleep.state === "canceled") throw new CliError("The cell was woken before it slept.");
      const { output } = context;
      if (output.isJson) return output.json(sleep);
      if (sleep.state === "done") {
        output.line("The cell sleeps, and its brokers stop. A broker that starts wakes it.");
      } else {
        output.line(sleepLine(sleep));
        output.note("See how far it is with: myelin cell status; take it back: myelin cell wake");
      }
    });
}

export function wakeCommand(): Command {
  return new Command("wake")
    .description("end the cell's sleep, or take it back")
    .action(async (_options: object, command: Command) => {
      const { myelin, output } = await contextOf(command);
      const status = await myelin.cell.wake();
      if (output.isJson) return output.json(status);
      output.line(
        status.state === "ready"
          ? "The cell is awake."
          : "The cell is awake, and waits for brokers: start them.",
      );
    });
}
