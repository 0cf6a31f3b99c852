/** SQLite's primary result codes (https://sqlite.org/rescode.html) that mean something to us; extended codes carry them in the low byte. */
const busy = 5;
const locked = 6;
const notADatabase = 26;

function primaryCode(error: unknown): number | null {
  if (!(error instanceof Error) || !("errcode" in error)) return null;
  return typeof error.errcode === "number" ? error.errcode & 0xff : null;
}

/** Another connection holds the lock; nothing was done. */
export function isBusy(error: unknown): boolean {
  const code = primaryCode(error);
  return code === busy || code === locked;
}

export function isNotADatabase(error: unknown): boolean {
  return primaryCode(error) === notADatabase;
}
