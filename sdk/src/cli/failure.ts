/** An end that is not a bug: its message says what happened, why, and what to do. Exit code 1 (failed) or 2 (misuse). */
export class CliError extends Error {
  readonly exitCode: 1 | 2;
  constructor(message: string, exitCode: 1 | 2 = 1) {
    super(message);
    this.name = "CliError";
    this.exitCode = exitCode;
  }
}
