import { Command } from "commander";
import { addCellOptions } from "./cell-options.ts";
import type { DevOptions } from "./cell-options.ts";
import { hotMemoryShare } from "./hot-memory.ts";
import { createOutput } from "./output.ts";
import { slotNumber } from "./slots.ts";

export function devCommand(): Command {
  const command = new Command("dev").description("a whole Myelin on this machine");
  return addCellOptions(command)
    .option("--brokers <count>", "more than one: each in a process of its own", slotNumber, 1)
    .option("--zones <count>", "spread the brokers over so many; one each by default", slotNumber)
    .action(async (options: DevOptions) => {
      // Loaded only here: no other command needs a broker, and starting one takes its time.
      const output = createOutput(false);
      if (options.brokers === 1) {
        const { runDev } = await import("./dev.ts");
        process.exitCode = await runDev(options, output);
      } else {
        const { runDevBrokers } = await import("./dev-brokers.ts");
        process.exitCode = await runDevBrokers(
          { ...options, hotMemory: options.hotMemory ?? hotMemoryShare(options.brokers) },
          output,
        );
      }
    });
}
