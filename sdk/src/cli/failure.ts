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
  const fields = error.fields
    .filter(({ detail }) => detail !== error.message)
    .map(({ pointer, detail }) => `\n  ${pointer}: ${detail}`)
    .join("");
  const exitCode = error.code === "INVALID_ARGUMENT" ? 2 : 1;
  return { message: `${sentence(error.message)}${adviceFor(error)}${fields}`, exitCode };
}

/** The API's details begin in lower case and end without a full stop. */
function sentence(message: string): string {
  const ended = /[.?!]$/.test(message) ? message : `${message}.`;
  return /^[a-z]+ /.test(ended) ? ended.charAt(0).toUpperCase() + ended.slice(1) : ended;
}

function adviceFor({ code }: MyelinError): string {
  switch (code) {
    case "NETWORK":
    case "TIMEOUT":
      return " Start it with: myelin dev (or npm start). If it runs elsewhere, say where with --url or MYELIN_URL.";
    case "UNKNOWN_TOPIC_OR_PARTITION":
      return " See the topics there are with: myelin topic list";
    case "TOPIC_ALREADY_EXISTS":
      return " Choose another name, or pass --if-not-exists.";
    case "BROKER_ID_NOT_REGISTERED":
      return " See the brokers there are with: myelin cell status";
    default:
      return "";
  }
}
