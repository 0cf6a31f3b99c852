import { Command } from "commander";
import type { BrokerOptions } from "./cell-options.ts";
import { addCellOptions } from "./cell-options.ts";
import { createOutput } from "./output.ts";
import { slotNumber } from "./slots.ts";

export function brokerCommand(): Command {
  const command = new Command("broker").description(
    "one broker of a cell, in this process: with the flags of `myelin dev --brokers` it is one of those",
  );
  return addCellOptions(command)
    .requiredOption(
      "--slot <number>",
      "which one, from 1: fixes its data and its ports",
      slotNumber,
    )
    .option("--zone <name>", "its failure domain; zone-SLOT by default")
    .action(async (options: BrokerOptions) => {
      const { runBroker } = await import("./broker.ts");
      process.exitCode = await runBroker(options, createOutput(false));
    });
}
