import type { LogFields, LogOutput } from "../../../broker/log-output.ts";
import type { World } from "../world/world.ts";

/** Errors that say what the world did to a process. Any other is a bug of ours, however well it was caught. */
const worldly = new Set([
  "DiskError",
  "NetworkError",
  "MetadataLogError",
  "ObjectStoreError",
  "DirectoryError",
  "RecoveryError",
  "LogReadError",
  // Another process on the directory, or an operator: the world's doing as well.
  "ReplacedError",
]);

export function isWorldly(error: unknown): boolean {
  for (let each = error; each instanceof Error; each = each.cause) {
    if (worldly.has(each.name)) return true;
  }
  return false;
}

export function describeError(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/** What a broker says goes into the trace; a bug it has caught and only mentions ends the run. */
export function watchedLog(world: World, name: string): LogOutput {
  const say = (level: string, message: string, fields: LogFields | undefined): void => {
    world.trace(() => `${name} ${level}: ${message} ${JSON.stringify(fields, withErrors)}`);
  };
  const complain = (level: string, message: string, fields: LogFields = {}): void => {
    say(level, message, fields);
    const { error } = fields;
    if (error instanceof Error && !isWorldly(error)) {
      world.fail(`${name} says "${message}": ${describeError(error)}`, error);
    }
  };
  return {
    debug: (message, fields) => say("debug", message, fields),
    info: (message, fields) => say("info", message, fields),
    warn: (message, fields) => complain("warn", message, fields),
    error: (message, fields) => complain("error", message, fields),
  };
}

function withErrors(_key: string, value: unknown): unknown {
  return value instanceof Error ? `${value.name}: ${value.message}` : value;
}
