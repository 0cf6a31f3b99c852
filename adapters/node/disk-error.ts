import type { DiskErrorCode } from "../../ports/disk.ts";
import { DiskError } from "../../ports/disk.ts";

const codes: Record<string, DiskErrorCode> = {
  ENOSPC: "full",
  EDQUOT: "full",
  EFBIG: "full",
  ENOENT: "gone",
  ENOTDIR: "gone",
  EBADF: "closed",
};

/** What the system said, as an Error or as its code and message from another thread. */
export type SystemFailure = { code: string; message: string };

export function systemFailure(error: unknown): SystemFailure {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return { code, message: error instanceof Error ? error.message : String(error) };
}

export function toDiskError(error: unknown): DiskError {
  if (error instanceof DiskError) return error;
  const { code, message } = systemFailure(error);
  return new DiskError(codes[code] ?? "io", message, { cause: error });
}

export function diskErrorOf(failure: SystemFailure): DiskError {
  return new DiskError(codes[failure.code] ?? "io", failure.message);
}

export async function asDiskError<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw toDiskError(error);
  }
}
