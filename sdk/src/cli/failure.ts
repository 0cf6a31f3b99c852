import { MyelinError } from "../errors.ts";

/** An end that is not a bug: its message says what happened, why, and what to do. Exit code 1 (failed) or 2 (misuse). */
export class CliError extends Error {
  readonly exitCode: 1 | 2;
  constructor(message: string, exitCode: 1 | 2 = 1) {
    super(message);
    this.name = "CliError";
    this.exitCode = exitCode;
  }
}

/** What to tell the user of an error, and the exit code; null if it is a bug, whose stack belongs on the screen. */
export function describeFailure(error: unknown): { message: string; exitCode: 1 | 2 } | null {
  if (error instanceof CliError) return error;
  if (!(error instanceof MyelinError)) return null;
  const fields = error.fields.map(({ pointer, detail }) => `\n  ${pointer}: ${detail}`).join("");
  const exitCode = error.code === "INVALID_ARGUMENT" ? 2 : 1;
  return { message: `${error.message}${fields}${adviceFor(error)}`, exitCode };
}

function adviceFor({ code, message }: MyelinError): string {
  const end = /[.?!]$/.test(message) ? " " : ". ";
  switch (code) {
    case "NETWORK":
    case "TIMEOUT":
      return `${end}Start it with: myelin dev (or npm start). If it runs elsewhere, say where with --url or MYELIN_URL.`;
    case "UNKNOWN_TOPIC_OR_PARTITION":
      return `${end}See the topics there are with: myelin topic list`;
    case "TOPIC_ALREADY_EXISTS":
      return `${end}See it with: myelin topic describe`;
    default:
      return "";
  }
}
