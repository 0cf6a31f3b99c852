import pino from "pino";
import pretty from "pino-pretty";
import type { LogFields, LogOutput } from "../../../broker/log-output.ts";

/** The log of `myelin dev`, on stderr: sentences on a terminal, one JSON object a line with `--log-format json`. */
export function createConsoleLog({
  logLevel,
  logFormat,
}: {
  logLevel: string;
  logFormat: "pretty" | "json";
}): LogOutput {
  const options = {
    level: logLevel,
    base: {},
    timestamp: pino.stdTimeFunctions.isoTime,
    // An Error has no fields of its own that JSON shows.
    serializers: { error: pino.stdSerializers.err },
  };
  const logger =
    logFormat === "json"
      ? pino(options, pino.destination({ fd: 2, sync: true }))
      : pino(
          options,
          pretty({
            destination: 2,
            sync: true,
            colorize: process.stderr.isTTY === true && process.env["NO_COLOR"] === undefined,
            ignore: "pid,hostname",
          }),
        );
  const at =
    (level: "debug" | "info" | "warn" | "error") =>
    (message: string, fields: LogFields = {}) =>
      logger[level](fields, message);
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}
