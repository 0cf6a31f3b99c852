import { Command } from "commander";
import type { OperationDescription } from "../control/cell.ts";
import { followOperations } from "./follow-operations.ts";
import { drainLine } from "./cell-report.ts";
import { contextOf } from "./context.ts";
import { CliError } from "./failure.ts";
import { brokerId } from "./option-values.ts";

export function drainCommand(): Command {
  return new Command("drain")
    .description("empty a broker: what it holds moves to others; it stays in service meanwhile")
    .argument("<broker>", "its id", brokerId)
    .option("--no-wait", "begin it, and do not wait for its end")
    .action(async (broker: number, { wait }: { wait: boolean }, command: Command) => {
      const context = await contextOf(command);
      const begun = await context.myelin.cell.drain(broker);
      const [drain] = wait ? await followOperations(context, [begun]) : [begun];
      if (drain?.state === "canceled")
        throw new CliError(`The drain of broker ${broker} was taken back before its end.`);
      const { output } = context;
      if (output.isJson) return output.json(drain);
      output.line(drainLine(drain ?? begun));
      output.note(adviceFor(broker, drain ?? begun));
    });
}

function adviceFor(broker: number, { state }: OperationDescription): string {
  const back = `or take it back with: myelin cell undrain ${broker}`;
  return state === "done"
    ? `Stop its process, then: myelin cell unregister ${broker}; ${back}`
    : `See how far it is with: myelin cell status; ${back}`;
}

export function undrainCommand(): Command {
  return new Command("undrain")
    .description("take a drain back: the broker may be given replicas again")
    .argument("<broker>", "its id", brokerId)
    .action(async (broker: number, _options: object, command: Command) => {
      const { myelin, output } = await contextOf(command);
      const described = await myelin.cell.undrain(broker);
      if (output.isJson) return output.json(described);
      output.line(`Broker ${broker} takes replicas in. What has left stays where it is.`);
    });
}
