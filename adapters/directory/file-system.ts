import { open } from "node:fs/promises";
import { ObjectStoreError } from "../../ports/object-store.ts";

export function isAbsent(error: unknown): boolean {
  const code = systemCode(error);
  return code === "ENOENT" || code === "ENOTDIR";
}

export function systemCode(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}

/** Every failure of the file system leaves the outcome open and may pass: space is freed, a mount comes back. */
export async function asObjectStoreError<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof ObjectStoreError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new ObjectStoreError("unavailable", `the object directory: ${reason}`, { cause: error });
  }
}

/** Makes the names in `directory` durable. Windows can neither open nor flush one, and journals names by itself. */
export async function syncDirectory(directory: string): Promise<void> {
  if (process.platform === "win32") return;
  const handle = await open(directory, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
