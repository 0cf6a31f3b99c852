import { InvalidArgumentError } from "commander";
import { parseSize } from "../units.ts";

const mebibyte = 1024 * 1024;
/** The chunks of a ring (broker/log/log-store.ts), which is not loaded for the sake of a command's help. */
export const ringChunkBytes = 4 * mebibyte;
const minBytes = 4 * ringChunkBytes;
/** What the rings of several brokers on one machine take together, unless they would be too small to serve readers that are a moment behind. */
const sharedBytes = 96 * mebibyte;
const minShareBytes = 32 * mebibyte;

/** Of an option: bytes of a ring, whole chunks. */
export function hotMemory(text: string): number {
  const bytes = Math.ceil(sizeOf(text) / ringChunkBytes) * ringChunkBytes;
  if (bytes >= minBytes) return bytes;
  throw new InvalidArgumentError(`A broker needs ${hotMemoryText(minBytes)} at least.`);
}

function sizeOf(text: string): number {
  try {
    return parseSize(text);
  } catch {
    throw new InvalidArgumentError("Write a number and kB, MB, GB, KiB, MiB or GiB, as in 64MiB.");
  }
}

/** Of each of so many brokers that share a machine: their users look at what all of them take. */
export function hotMemoryShare(brokers: number): number {
  const share = Math.floor(sharedBytes / brokers / ringChunkBytes) * ringChunkBytes;
  return Math.max(share, minShareBytes);
}

/** As the option takes it. */
export const hotMemoryText = (bytes: number): string => `${bytes / mebibyte}MiB`;
