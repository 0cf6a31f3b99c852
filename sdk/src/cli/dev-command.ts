import { Command, Option } from "commander";
import type { DevOptions } from "./dev.ts";
import { portNumber } from "./option-values.ts";
import { createOutput } from "./output.ts";

export function devCommand(): Command {
  return new Command("dev")
    .description("a whole Myelin in this process: one broker and the control plane")
    .option("-d, --data <directory>", "where the data lives", "./data")
    .option("--host <address>", "where to listen", "127.0.0.1")
    .option("--port <number>", "of Kafka", portNumber, 9092)
    .option("--http-port <number>", "of the HTTP API", portNumber, 8080)
    .option("--cluster <name>", "of the cluster that is there from the start", "dev")
    .addOption(
      new Option("--log-level <level>", "what is worth saying")
        .choices(["debug", "info", "warn", "error"])
        .default("warn"),
    )
    .addOption(
      new Option("--log-format <format>", "for people or for programs")
        .choices(["pretty", "json"])
        .default("pretty"),
    )
    .action(async (options: DevOptions) => {
      // Loaded only here: no other command needs a broker, and starting one takes its time.
      const { runDev } = await import("./dev.ts");
      process.exitCode = await runDev(options, createOutput(false));
    });
}
