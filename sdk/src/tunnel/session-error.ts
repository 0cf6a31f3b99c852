/** Something that whoever asked can do something about; the message says what. */
export class SessionError extends Error {
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = "SessionError";
  }
}

/** Why a call of the AWS CLI failed, in its own words where it has any. */
export function reasonOf(error: unknown, aws: string): string {
  const { code, stderr } = error as { code?: unknown; stderr?: string };
  if (code === "ENOENT")
    return `${aws} is not there: a tunnel needs the AWS CLI and its Session Manager plugin`;
  const said = stderr?.trim() ?? "";
  return said === "" ? (error as Error).message : said;
}
