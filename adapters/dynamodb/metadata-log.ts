// The metadata log of a cell in AWS (docs/decisions: "The metadata log in DynamoDB"). One entry is one item; a transaction makes the condition on
// its predecessor and its own place one with its effect.
import type { Clock } from "../../ports/clock.ts";
import type { MetadataLog } from "../../ports/metadata-log.ts";
import { maxMetadataEntryBytes, MetadataLogError } from "../../ports/metadata-log.ts";
import type { Random } from "../../ports/random.ts";
import { createAppends } from "./appends.ts";
import { createCalls } from "./calls.ts";
import type { DynamoClient } from "./calls.ts";
import { createItems } from "./items.ts";
import { createReads } from "./reads.ts";
import { tableOf } from "./table.ts";
import { createTrim } from "./trim.ts";

export type DynamoMetadataLogOptions = {
  /** Stays open when the log is closed: it is the caller's. */
  client: DynamoClient;
  clock: Clock;
  /** Tells writers apart, so it must differ from process to process. */
  random: Random;
  /** A table with partition key `log` (string) and sort key `revision` (number). */
  tableName: string;
  /** The cell: several may share a table. */
  cell: string;
  /** Part of the table's layout: the same for every process of a cell, for ever. */
  entriesPerBucket?: number;
};

/**
 * It gives no hints of appends: those of others would cost a poll beside the replica's own, and those of this process need none, for the replica
 * has applied them.
 */
export function createDynamoMetadataLog(options: DynamoMetadataLogOptions): MetadataLog {
  const { client, clock, random, tableName, cell, entriesPerBucket = 1_000 } = options;
  const table = tableOf({ name: tableName, cell, entriesPerBucket });
  const calls = createCalls({ client, clock, random });
  const items = createItems(calls, table);
  const reads = createReads(items, table);
  const appends = createAppends({ calls, table, items, random });
  const trim = createTrim({ calls, table, reads, assertOpen });
  let isClosed = false;

  function assertOpen(): void {
    if (isClosed) throw new MetadataLogError("closed", "the metadata log is closed");
  }

  async function add(
    operation: "append" | "genesis",
    revision: number,
    entry: Uint8Array,
  ): Promise<"accepted" | "conflict"> {
    assertOpen();
    assertFits(entry);
    const outcome = await appends[operation](revision, entry.slice());
    if (outcome === "accepted") reads.saw(revision);
    return outcome;
  }

  return {
    append: (revision, entry) => add("append", revision, entry),
    genesis: (revision, entry) => add("genesis", revision, entry),
    async read(fromRevision, limit) {
      assertOpen();
      return reads.read(fromRevision, limit);
    },
    async trim(beforeRevision) {
      assertOpen();
      await trim(beforeRevision);
    },
    onAppend: () => () => undefined,
    async close() {
      isClosed = true;
    },
  };
}

/** Before anything is sent. An item may have 400 KB, so what fits always finds room with its keys. */
function assertFits(entry: Uint8Array): void {
  if (entry.byteLength <= maxMetadataEntryBytes) return;
  throw new MetadataLogError(
    "tooLarge",
    `an entry of ${entry.byteLength} bytes exceeds ${maxMetadataEntryBytes}`,
  );
}
