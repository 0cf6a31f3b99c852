import { Command } from "commander";
import { cellDefaults } from "./cell-options.ts";
import { positiveNumber } from "./option-values.ts";
import { createOutput } from "./output.ts";

export type RestoreCommandOptions = {
  from?: string;
  fromCell?: string;
  data: string;
  to?: string;
  table?: string;
  cell?: string;
  kmsKey?: string;
  region?: string;
  revision?: number;
  metadataOnly: boolean;
};

export function restoreCommand(): Command {
  return new Command("restore")
    .description("begin a cell anew from what an object store has of one; no broker may run")
    .option(
      "--from <place>",
      "where its objects are: a data directory, or s3://BUCKET (the data directory itself)",
    )
    .option("--from-cell <name>", "its name there (the only one there is)")
    .option("-d, --data <directory>", "where the new cell lives", cellDefaults.data)
    .option("--to <place>", "or in AWS: s3://BUCKET, with --table and --cell")
    .option("--table <name>", "of the new cell's metadata log in DynamoDB")
    .option("--cell <name>", "of the new cell in bucket and table")
    .option("--kms-key <id>", "to encrypt what is put into that bucket")
    .option("--region <name>", "of buckets and table (AWS_REGION)")
    .option("--revision <number>", "of the metadata, to go back to (the newest)", positiveNumber)
    .option(
      "--metadata-only",
      "do not copy records: they are there, or are copied otherwise",
      false,
    )
    .action(async (options: RestoreCommandOptions, command: Command) => {
      const { json = false } = command.optsWithGlobals<{ json?: boolean }>();
      // Loaded only here: no other command of this noun has to do with what is on this machine.
      const { runRestore } = await import("./restore.ts");
      await runRestore(options, createOutput(json));
    });
}
