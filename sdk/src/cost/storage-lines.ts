// What the bucket costs: what is in it, what was and is kept as an old version, and the requests that put it there.
import type { CostLine } from "./cost-line.ts";
import { GB, line, millions, secondsPerMonth } from "./cost-line.ts";
import { prices } from "./prices.ts";

export type StorageQuestion = {
  readonly inBytesPerSecond: number;
  readonly retentionMs: number;
  readonly partitionCount: number;
  readonly brokerCount: number;
  /** How long the bucket keeps what was deleted. */
  readonly oldVersionDays: number;
};

/** How brokers write, by their defaults; a test holds the two together. */
export const writing = {
  /** A leader cuts a segment when it has so much, or when the oldest record in it is so old. */
  segmentBytes: 32 * 1024 * 1024,
  segmentMaxAgeS: 3_600,
  /** How often a broker packs what is in no segment yet, and how much goes into one pack. */
  packEveryS: 10,
  packBytes: 32 * 1024 * 1024,
  /** How often a broker writes what load it has. */
  loadEveryS: 60,
  /** How often expired segments are looked for. */
  retentionCheckS: 60,
} as const;

/** A segment, and the manifest that lists it. */
const putsPerSegment = 2;
/** What has expired leaves the manifest, is looked for and deleted ten minutes later (a DELETE is free), and is forgotten. */
const requestsPerDeletion = 3;
/** Old versions of packs, whatever the profile (infra/constructs/log-bucket.ts). */
const oldPackDays = 1;

export function storageLines(question: StorageQuestion): CostLine[] {
  const { brokerCount } = question;
  // One put by each broker, and one listing of all by the reconcile task.
  const loadReports = (brokerCount + 1) / writing.loadEveryS;
  return [
    ...recordLines(question),
    ...packLines(question),
    requestLine("load reports", [loadReports, "million PUTs and LISTs"]),
  ];
}

function recordLines(question: StorageQuestion): CostLine[] {
  const { inBytesPerSecond, retentionMs, partitionCount, oldVersionDays } = question;
  if (inBytesPerSecond === 0) return [];
  const bySize = inBytesPerSecond / writing.segmentBytes;
  const byAge = partitionCount / writing.segmentMaxAgeS;
  const segments = Math.max(bySize, byAge);
  // All that expires between two looks goes at once.
  const deletions = Math.min(segments, partitionCount / writing.retentionCheckS);
  return [
    bytesLine("records in S3", inBytesPerSecond * (retentionMs / 1_000)),
    bytesLine("deleted records, as old versions", inBytesPerSecond * keptSeconds(oldVersionDays)),
    requestLine("segments written", [segments * putsPerSegment, "million PUTs"]),
    requestLine("segments deleted", [deletions * requestsPerDeletion, "million PUTs and LISTs"]),
  ];
}

function packLines(question: StorageQuestion): CostLine[] {
  const { inBytesPerSecond, brokerCount } = question;
  if (inBytesPerSecond === 0) return [];
  const packed = inBytesPerSecond * packedShare(question);
  const perRound = (packed * writing.packEveryS) / brokerCount;
  const packs = (brokerCount / writing.packEveryS) * Math.ceil(perRound / writing.packBytes);
  // A pack goes when all that is in it is in segments: after an hour at most.
  const kept = writing.segmentMaxAgeS + keptSeconds(oldPackDays);
  return [
    bytesLine("packs, most as old versions", packed * kept),
    requestLine("packs written", [packs, "million PUTs"]),
  ];
}

/**
 * Of what comes in: what is there when a pack is made. Where a partition fills a segment between two packs, only what came after its last one; else all but
 * what came after the last pack before a segment, half of a round's worth. Reckoned: the runs of bench/README.md, "Cold data", are too short to tell.
 */
export function packedShare({
  inBytesPerSecond,
  partitionCount,
}: Pick<StorageQuestion, "inBytesPerSecond" | "partitionCount">): number {
  const fillS = writing.segmentBytes / (inBytesPerSecond / partitionCount);
  const half = writing.packEveryS / 2;
  return fillS < writing.packEveryS ? fillS / 2 / writing.packEveryS : 1 - half / fillS;
}

/** S3 looks at midnight: half a day later, on the average (https://repost.aws/questions/QUvjf44qlYSMmQLyRUtTrevg). */
const keptSeconds = (days: number): number => (days + 0.5) * 86_400;

const bytesLine = (what: string, bytes: number): CostLine =>
  line(what, [bytes / GB, "GB-months", prices.objectGbMonth]);

const requestLine = (what: string, [perSecond, unit]: [number, string]): CostLine =>
  line(what, [(perSecond * secondsPerMonth) / millions, unit, prices.objectPutMillion]);
