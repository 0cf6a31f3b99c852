/**
 * Where the broker says what it does: one call a line, fields beside the sentence. Silent in simulation; entry points decide the form.
 * `error` and `warn` name what happened, why, and what to do.
 */
export type LogOutput = {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
};

export type LogFields = Record<string, unknown>;

/** Says nothing: the simulator's and the tests' choice. */
export const silentLog: LogOutput = {
  debug() {},
  info() {},
  warn() {},
  error() {},
};
