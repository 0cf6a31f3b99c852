import type { AttributeValue } from "@aws-sdk/client-dynamodb";

export type Item = Record<string, AttributeValue>;

/**
 * Where things lie in the table (partition key `log`, sort key `revision`):
 *
 *   <cell>/log/<bucket>  <revision>  entry, writer     an entry; a bucket is so many consecutive revisions
 *   <cell>/log/<bucket>  <last>      trimmed           what trim leaves of the last entry of a bucket
 *   <cell>/start         0           first, swept,     entries below `first` count as trimmed, those below `swept` are deleted
 *                                    writer            (`writer` of the genesis)
 *
 * A bucket that was trimmed away keeps one small item, so that one query of one bucket tells a head from a trim: while any entry at or behind a
 * revision was ever appended, its bucket shows one, or what is left of its last.
 */
export type Table = {
  readonly name: string;
  /** Partition key of the bucket that the revision lies in. */
  bucketOf(revision: number): string;
  isLastOfBucket(revision: number): boolean;
  keyOf(revision: number): Item;
  readonly startKey: Item;
};

/** An entry, or what is left of a trimmed one (`entry` null). */
export type StoredEntry = { readonly revision: number; readonly entry: Uint8Array | null };

export type Start = { readonly first: number; readonly swept: number };

/** "first" and others are reserved words of expressions, so every name goes through a placeholder. */
export const names = {
  log: { "#log": "log" },
  revision: { "#revision": "revision" },
  entry: { "#entry": "entry" },
  first: { "#first": "first" },
  swept: { "#swept": "swept" },
} as const;

export function tableOf({
  name,
  cell,
  entriesPerBucket,
}: {
  name: string;
  cell: string;
  entriesPerBucket: number;
}): Table {
  const bucketOf = (revision: number): string =>
    `${cell}/log/${Math.floor(revision / entriesPerBucket)}`;
  return {
    name,
    bucketOf,
    isLastOfBucket: (revision) => (revision + 1) % entriesPerBucket === 0,
    keyOf: (revision) => ({ log: { S: bucketOf(revision) }, revision: numberValue(revision) }),
    startKey: { log: { S: `${cell}/start` }, revision: numberValue(0) },
  };
}

export function numberValue(value: number): AttributeValue.NMember {
  return { N: String(value) };
}

export function storedEntryOf(item: Item): StoredEntry {
  return { revision: Number(item["revision"]?.N), entry: item["entry"]?.B ?? null };
}

export function startOf(item: Item): Start {
  return { first: Number(item["first"]?.N), swept: Number(item["swept"]?.N) };
}

/** Who put it: the call that appended the entry, or the genesis. Null for what is left of a trimmed entry. */
export function writerOf(item: Item): Uint8Array | null {
  return item["writer"]?.B ?? null;
}
