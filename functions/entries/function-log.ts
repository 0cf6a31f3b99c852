import type { Log } from "../api-context.ts";

/** One JSON object a line, as containers write them. Lambda adds the request's id where its log format is JSON. */
export function createFunctionLog(fields: Record<string, unknown>): Log {
  const at =
    (level: "debug" | "info" | "warn" | "error") =>
    (msg: string, own: Record<string, unknown> = {}): void => {
      const line = { level, time: new Date().toISOString(), msg, ...fields, ...own };
      process.stdout.write(`${JSON.stringify(line, errorsInWords)}\n`);
    };
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

/** An Error has no fields of its own that JSON shows. */
function errorsInWords(_name: string, value: unknown): unknown {
  return value instanceof Error ? (value.stack ?? value.message) : value;
}
