import { createRequire } from "node:module";
import type * as Pino from "pino";
import type * as Pretty from "pino-pretty";
import type { LogFields, LogOutput } from "../../../broker/log-output.ts";

export type ConsoleLogOptions = {
  logLevel: string;
  logFormat: "pretty" | "json";
  /** The slot of the broker that speaks, where there are several. */
  broker?: number;
};

type Level = "debug" | "info" | "warn" | "error";
const levels: readonly string[] = ["debug", "info", "warn", "error"] satisfies Level[];

/** The log of `myelin dev`, on stderr: sentences on a terminal, one JSON object a line with `--log-format json`. */
export function createConsoleLog(options: ConsoleLogOptions): LogOutput {
  const lowest = levels.indexOf(options.logLevel);
  let logger: Pino.Logger | null = null;
  const at =
    (level: Level) =>
    (message: string, fields: LogFields = {}): void => {
      if (levels.indexOf(level) < lowest) return;
      logger ??= createLogger(options);
      logger[level](fields, message);
    };
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

/** Made for the first line, which most runs never have: 42 modules, a tenth of the time to start. */
function createLogger({ logLevel, logFormat, broker }: ConsoleLogOptions): Pino.Logger {
  const load = createRequire(import.meta.url);
  const { pino } = load("pino") as typeof Pino;
  const options: Pino.LoggerOptions = {
    level: logLevel,
    base: broker === undefined ? {} : { broker },
    timestamp: pino.stdTimeFunctions.isoTime,
    // An Error has no fields of its own that JSON shows.
    serializers: { error: pino.stdSerializers.err },
  };
  if (logFormat === "json") return pino(options, pino.destination({ fd: 2, sync: true }));
  const { default: pretty } = load("pino-pretty") as typeof Pretty;
  return pino(
    options,
    pretty({
      destination: 2,
      sync: true,
      colorize: process.stderr.isTTY === true && process.env["NO_COLOR"] === undefined,
      ignore: "pid,hostname,broker",
      // Several brokers write to one terminal.
      messageFormat: "{if broker}broker {broker}: {end}{msg}",
    }),
  );
}
