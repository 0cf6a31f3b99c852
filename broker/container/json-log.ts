import { pino } from "pino";
import type { BaseLogger } from "pino";
import type { LogFields, LogOutput } from "../log-output.ts";

export type JsonLogOptions = {
  readonly level: "debug" | "info" | "warn" | "error";
  /** In each line beside its own. */
  readonly fields: LogFields;
  /** A file descriptor; 1 is what the container's log driver reads. */
  readonly descriptor?: number;
};

export type JsonLog = LogOutput & {
  /** The same log with more fields in each line. */
  with(fields: LogFields): JsonLog;
};

/** One JSON object a line: level and time in words, `msg`, then the fields. Written at once, so that the last words before an end are not lost. */
export function createJsonLog({ level, fields, descriptor = 1 }: JsonLogOptions): JsonLog {
  const logger = pino(
    {
      level,
      base: fields,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      // An Error has no fields of its own that JSON shows.
      serializers: { error: pino.stdSerializers.err },
    },
    pino.destination({ fd: descriptor, sync: true }),
  );
  return logOf(logger);
}

type Logger = BaseLogger & { child(fields: LogFields): Logger };

function logOf(logger: Logger): JsonLog {
  return {
    debug: (message, fields = {}) => logger.debug(fields, message),
    info: (message, fields = {}) => logger.info(fields, message),
    warn: (message, fields = {}) => logger.warn(fields, message),
    error: (message, fields = {}) => logger.error(fields, message),
    with: (fields) => logOf(logger.child(fields)),
  };
}
