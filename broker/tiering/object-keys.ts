import type { Random } from "../../ports/random.ts";

// Where tiered storage keeps what. Numbers are padded, so that the store's order of keys is theirs; ids keep two writers of the same offsets apart.

/** One partition's room in a cell's object store. `topicId` in Kafka's form: 22 characters of url-safe base64. */
export type PartitionPath = {
  readonly cell: string;
  readonly topicId: string;
  readonly index: number;
};

/** 2^53 has 16 digits; Kafka's own segment files have 20. */
const offsetDigits = 20;
const numberDigits = 16;
const idBytes = 16;

/** A name no other object has: 128 random bits, as 22 characters of url-safe base64. */
export const newObjectId = (random: Random): string =>
  Buffer.from(random.bytes(idBytes)).toString("base64url");

export const topicsPrefix = (cell: string): string => `cells/${cell}/topics/`;

export const topicPrefix = (cell: string, topicId: string): string =>
  `${topicsPrefix(cell)}${topicId}/`;

/** One empty object for each topic whose objects are kept though the metadata log does not have it. */
export const keptTopicsPrefix = (cell: string): string => `cells/${cell}/kept-topics/`;

export const keptTopicKey = (cell: string, topicId: string): string =>
  keptTopicsPrefix(cell) + topicId;

/** Everything of one partition: segments, manifest, pages. */
export const partitionPrefix = ({ cell, topicId, index }: PartitionPath): string =>
  `${topicPrefix(cell, topicId)}${index}/`;

export const manifestKey = (path: PartitionPath): string => `${partitionPrefix(path)}manifest`;

export type SegmentName = {
  readonly baseOffset: number;
  /** Of the leader that wrote the object. */
  readonly leaderEpoch: number;
  readonly id: string;
};

/** What a manifest calls a segment: its key without the partition's prefix. */
export const segmentName = ({ baseOffset, leaderEpoch, id }: SegmentName): string =>
  `${padded(baseOffset, offsetDigits)}-${leaderEpoch}-${id}.segment`;

export type PageName = {
  readonly baseOffset: number;
  readonly id: string;
};

/** What a manifest calls one of its pages: its key without the partition's prefix. */
export const pageName = ({ baseOffset, id }: PageName): string =>
  `manifest-pages/${padded(baseOffset, offsetDigits)}-${id}`;

/** The key of a segment or page that the partition's manifest calls `name`. */
export const objectKey = (path: PartitionPath, name: string): string =>
  partitionPrefix(path) + name;

/** A key of a partition, understood. */
export type PartitionObject =
  | ({ readonly kind: "segment"; readonly name: string } & SegmentName)
  | ({ readonly kind: "page"; readonly name: string } & PageName)
  | { readonly kind: "manifest" };

const segmentForm = /^(\d{20})-(\d{1,10})-([-\w]{22})\.segment$/;
const pageForm = /^manifest-pages\/(\d{20})-([-\w]{22})$/;

/** Null for a key that is not of this partition or not one of ours: whoever collects orphans leaves it alone. */
export function parsePartitionKey(path: PartitionPath, key: string): PartitionObject | null {
  const prefix = partitionPrefix(path);
  if (!key.startsWith(prefix)) return null;
  const name = key.slice(prefix.length);
  if (name === "manifest") return { kind: "manifest" };
  return parseName(name);
}

/** A segment or page by what the manifest calls it; null for what is neither. */
export function parseName(name: string): Exclude<PartitionObject, { kind: "manifest" }> | null {
  const segment = segmentForm.exec(name);
  if (segment !== null) {
    const parsed = {
      kind: "segment",
      name,
      baseOffset: Number(segment[1]),
      leaderEpoch: Number(segment[2]),
      id: segment[3]!,
    } as const;
    return Number.isSafeInteger(parsed.baseOffset) && segmentName(parsed) === name ? parsed : null;
  }
  const page = pageForm.exec(name);
  if (page === null) return null;
  const baseOffset = Number(page[1]);
  return Number.isSafeInteger(baseOffset) ? { kind: "page", name, baseOffset, id: page[2]! } : null;
}

export type PackName = {
  /** The broker's id. */
  readonly broker: number;
  /** The registration it wrote under. */
  readonly brokerEpoch: number;
  /** Counts the packs of that registration. */
  readonly sequence: number;
};

/** Packs of all brokers of a cell, in the order broker, epoch, sequence (brokers in the order of their digits). */
export const packsPrefix = (cell: string): string => `cells/${cell}/packs/`;

/** Packs of one broker, the oldest first. */
export const brokerPacksPrefix = (cell: string, broker: number): string =>
  `${packsPrefix(cell)}${broker}/`;

export const packKey = (cell: string, { broker, brokerEpoch, sequence }: PackName): string =>
  `${brokerPacksPrefix(cell, broker)}${padded(brokerEpoch, numberDigits)}/${padded(sequence, numberDigits)}.pack`;

const packForm = /^(\d{1,10})\/(\d{16})\/(\d{16})\.pack$/;

/** Null for a key that is no pack of this cell. */
export function parsePackKey(cell: string, key: string): PackName | null {
  const prefix = packsPrefix(cell);
  const match = key.startsWith(prefix) ? packForm.exec(key.slice(prefix.length)) : null;
  if (match === null) return null;
  const name = {
    broker: Number(match[1]),
    brokerEpoch: Number(match[2]),
    sequence: Number(match[3]),
  };
  const isExact = Number.isSafeInteger(name.brokerEpoch) && Number.isSafeInteger(name.sequence);
  return isExact && packKey(cell, name) === key ? name : null;
}

const padded = (value: number, digits: number): string => String(value).padStart(digits, "0");
