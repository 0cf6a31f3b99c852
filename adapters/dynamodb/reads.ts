import type { MetadataEntry } from "../../ports/metadata-log.ts";
import { unavailable } from "./calls.ts";
import type { Items } from "./items.ts";
import type { StoredEntry, Table } from "./table.ts";

export type Reads = {
  read(fromRevision: number, limit: number): Promise<MetadataEntry[] | "trimmed">;
  head(): Promise<number>;
  /** An entry is known to have been there. */
  saw(revision: number): void;
  /** The highest of them, 0 for none. */
  readonly seenRevision: number;
};

/** A page may miss an entry between two it holds (a query is no snapshot); looked at again, it is there or trimmed. */
const maxHoles = 5;

export function createReads(items: Items, table: Table): Reads {
  let seenRevision = 0;

  async function isTrimmed(revision: number): Promise<boolean> {
    const first = (await items.start())?.first ?? 0;
    return revision < first;
  }

  function saw(revision: number): void {
    seenRevision = Math.max(seenRevision, revision);
  }

  async function read(fromRevision: number, limit: number): Promise<MetadataEntry[] | "trimmed"> {
    const entries: MetadataEntry[] = [];
    for (let holeCount = 0; entries.length < limit;) {
      const next = fromRevision + entries.length;
      const page = await items.page(next, limit - entries.length);
      const isWhole = take(page.stored, entries, next);
      const end = fromRevision + entries.length;
      if (end > fromRevision) saw(end - 1);
      if (!isWhole) {
        // Trimming ascends, so what was asked for is gone as well.
        if (await isTrimmed(end)) return "trimmed";
        holeCount += 1;
        if (holeCount > maxHoles) throw unavailable(new Error(`entry ${end} is missing`));
      } else if (!page.hasMore && (end === next || !table.isLastOfBucket(end - 1))) {
        break;
      }
    }
    // An empty bucket behind an entry that was there means the head (see Table); behind anything else, ask where the log begins.
    const isBehindSeen = seenRevision > 0 && fromRevision === seenRevision + 1;
    const isHeadKnown = entries.length > 0 || isBehindSeen || limit <= 0;
    if (!isHeadKnown && (await isTrimmed(fromRevision))) return "trimmed";
    return entries;
  }

  return {
    read,
    saw,
    get seenRevision() {
      return seenRevision;
    },
    async head() {
      let head = Math.max(seenRevision, (await items.start())?.first ?? 0);
      for (;;) {
        // From the next bucket's first revision, if this one is full.
        const last = await items.last(table.isLastOfBucket(head) ? head + 1 : head);
        if (last === null || last.revision === head) return head;
        head = last.revision;
        saw(head);
      }
    },
  };
}

/** Adds what continues `entries`; false if the page goes on behind a gap, or with what is left of a trimmed entry. */
function take(page: readonly StoredEntry[], entries: MetadataEntry[], next: number): boolean {
  for (const [index, { revision, entry }] of page.entries()) {
    if (revision !== next + index || entry === null) return false;
    entries.push({ revision, entry });
  }
  return true;
}
