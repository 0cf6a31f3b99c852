import { Command } from "commander";
import { cellDefaults } from "./cell-options.ts";
import { positiveNumber } from "./option-values.ts";
import { createOutput } from "./output.ts";

export type RestoreCommandOptions = { from?: string; data: string; revision?: number };

export function restoreCommand(): Command {
  return new Command("restore")
    .description("begin a cell anew from what an object store has of one; no broker may run")
    .option("--from <directory>", "where its objects are (the data directory itself)")
    .option("-d, --data <directory>", "where the new cell lives", cellDefaults.data)
    .option("--revision <number>", "of the metadata, to go back to (the newest)", positiveNumber)
    .action(async (options: RestoreCommandOptions, command: Command) => {
      const { json = false } = command.optsWithGlobals<{ json?: boolean }>();
      // Loaded only here: no other command of this noun has to do with what is on this machine.
      const { runRestore } = await import("./restore.ts");
      await runRestore(options, createOutput(json));
    });
}
