import type { Command } from "commander";
import { Option } from "commander";
import { defaultCellConfig } from "../../../broker/cell/cell-config.ts";
import { hotMemory, hotMemoryText } from "./hot-memory.ts";
import { duration, portNumber } from "./option-values.ts";

/** What `myelin dev` and the `myelin broker` processes of its cell are told alike, so that one's flags can be handed to the other. */
export type CellOptions = {
  data: string;
  host: string;
  port: number;
  httpPort: number;
  cluster: string;
  logLevel: string;
  logFormat: "pretty" | "json";
  /** In milliseconds. */
  replacementDelay: number;
  /** Bytes of a broker's ring; the log's own default if absent. */
  hotMemory?: number;
};

export type DevOptions = CellOptions & {
  brokers: number;
  /** Over how many zones they are spread; one each if absent. */
  zones?: number;
};

/** `slot`: which of the brokers. */
export type BrokerOptions = CellOptions & { slot: number; zone?: string };

export const cellDefaults: CellOptions = {
  data: "./data",
  host: "127.0.0.1",
  port: 9092,
  httpPort: 8080,
  cluster: "dev",
  logLevel: "warn",
  logFormat: "pretty",
  replacementDelay: defaultCellConfig.replacementDelayMs,
};

export function addCellOptions(command: Command): Command {
  return command
    .option("-d, --data <directory>", "where the data lives", cellDefaults.data)
    .option("--host <address>", "where to listen", cellDefaults.host)
    .option("--port <number>", "of Kafka, at the first broker", portNumber, cellDefaults.port)
    .option("--http-port <number>", "of the HTTP API", portNumber, cellDefaults.httpPort)
    .option("--cluster <name>", "of the cluster that is there from the start", cellDefaults.cluster)
    .addOption(
      new Option(
        "--replacement-delay <duration>",
        "after which the replicas of a broker that is gone are made anew elsewhere",
      )
        .argParser(duration)
        .default(cellDefaults.replacementDelay, "1m"),
    )
    .option(
      "--hot-memory <size>",
      "for the newest records, of each broker: 128MiB, or less where several share the machine",
      hotMemory,
    )
    .addOption(
      new Option("--log-level <level>", "what is worth saying")
        .choices(["debug", "info", "warn", "error"])
        .default(cellDefaults.logLevel),
    )
    .addOption(
      new Option("--log-format <format>", "for people or for programs")
        .choices(["pretty", "json"])
        .default(cellDefaults.logFormat),
    );
}

/** The options as a shell takes them, but for those that are at their defaults. */
export function cellFlags(options: CellOptions): string[] {
  const { data, host, port, httpPort, cluster, logLevel, logFormat, replacementDelay } = options;
  const ring = options.hotMemory === undefined ? undefined : hotMemoryText(options.hotMemory);
  const given: [string, keyof CellOptions, string | number | undefined][] = [
    ["--data", "data", data],
    ["--host", "host", host],
    ["--port", "port", port],
    ["--http-port", "httpPort", httpPort],
    ["--cluster", "cluster", cluster],
    ["--replacement-delay", "replacementDelay", replacementDelay],
    ["--hot-memory", "hotMemory", ring],
    ["--log-level", "logLevel", logLevel],
    ["--log-format", "logFormat", logFormat],
  ];
  return given.flatMap(([flag, name, value]) =>
    value === cellDefaults[name] ? [] : [flag, String(value)],
  );
}
