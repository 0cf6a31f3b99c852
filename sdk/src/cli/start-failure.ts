import { MetadataFormatError } from "../../../adapters/sqlite/metadata-file.ts";
import { DirectoryError } from "../../../broker/identity.ts";
import { RecoveryError } from "../../../broker/log/wal-recovery.ts";
import { LogIsLost } from "../../../metadata/log/leftovers.ts";
import { DiskError } from "../../../ports/disk.ts";
import { MetadataLogError } from "../../../ports/metadata-log.ts";
import { NetworkError } from "../../../ports/network.ts";
import { CliError } from "./failure.ts";
import { portOwner } from "./port-owner.ts";

/** A port that was asked for, and the flag that asks for another. */
export type WantedPort = { readonly port: number; readonly advice: string };

/** What went wrong at the start, and what to do, in words. */
export function explainStart(error: unknown, kafka: WantedPort): unknown {
  if (error instanceof NetworkError && error.code === "inUse") return portInUse(kafka);
  if (error instanceof DirectoryError) return new CliError(error.message);
  if (error instanceof MetadataFormatError) return new CliError(`${error.message}. ${advice}`);
  const isExpected = expectedFailures.some((kind) => error instanceof kind) || isSystemError(error);
  if (isExpected) return new CliError(`Myelin cannot start: ${(error as Error).message}.`);
  return error;
}

const advice = "Start that version or a newer one, or another directory with --data.";
const expectedFailures = [RecoveryError, DiskError, LogIsLost, MetadataLogError, NetworkError];

/** Of a call to the operating system: a directory that may not be written, a path that is a file. */
function isSystemError(error: unknown): boolean {
  return typeof (error as NodeJS.ErrnoException).syscall === "string";
}

export function portInUse({ port, advice: flag }: WantedPort): CliError {
  const owner = portOwner(port);
  const who =
    owner === null ? "another process" : `another process (pid ${owner.pid}, ${owner.name})`;
  return new CliError(`Port ${port} is in use by ${who}. Stop it, or start with ${flag}.`);
}
