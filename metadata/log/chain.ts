import type { MetadataLog } from "../../ports/metadata-log.ts";
import { applyEntry } from "../image/apply.ts";
import type { MetadataChange } from "../image/changes.ts";
import type { Image } from "../image/image.ts";
import { decodeEntry, hashEntry } from "../records/entry.ts";

export const entriesPerRead = 256;

/** Each entry names the hash of the one before it, so that no two histories can be mixed. Throws BrokenChain, and leaves the image as it was. */
export function applyTo(
  target: Image,
  revision: number,
  entry: Uint8Array,
): readonly MetadataChange[] {
  const { previousHash, records } = decodeEntry(entry);
  if (revision !== target.revision + 1 || previousHash !== target.entryHash) {
    throw new BrokenChain(revision);
  }
  return applyEntry(target, { revision, hash: hashEntry(entry), records });
}

/** Gives `take`, which applies them to `target`, all entries behind it. */
export async function readOn(
  log: MetadataLog,
  target: Image,
  take: (revision: number, entry: Uint8Array) => void,
): Promise<void> {
  for (;;) {
    const entries = await log.read(target.revision + 1, entriesPerRead);
    if (entries === "trimmed") throw new BrokenChain(target.revision + 1);
    for (const { revision, entry } of entries) take(revision, entry);
    if (entries.length < entriesPerRead) return;
  }
}

export class BrokenChain extends Error {
  readonly revision: number;
  constructor(revision: number) {
    super(`entry ${revision} of the metadata log does not follow what was read before it`);
    this.name = "BrokenChain";
    this.revision = revision;
  }
}
