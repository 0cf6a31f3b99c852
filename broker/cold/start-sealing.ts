import type { Image } from "../../metadata/image/image.ts";
import { sealsDue } from "../../metadata/image/seals.ts";
import { sealPartitions, type WantedSeal } from "../../metadata/commands/seal-partitions.ts";
import type { MetadataReplica } from "../../metadata/log/replica.ts";
import type { Clock } from "../../ports/clock.ts";
import { MetadataLogError } from "../../ports/metadata-log.ts";
import type { LogOutput } from "../log-output.ts";
import { startPeriodic } from "../periodic.ts";
import type { Partition } from "../replication/partition.ts";
import type { TierWriter } from "./tier-writer.ts";

// A cell that falls asleep, and a broker that drains with the last copy of something, leave nothing behind that only they have: each leader puts all of its
// log into the object store and says in the metadata log where it ends (storage.md, "Sleep, wake, drain to nothing"; replication.md C5).

export type SealingOptions = {
  readonly self: { readonly brokerId: number; readonly brokerEpoch: number };
  readonly metadata: MetadataReplica;
  readonly partitionOf: (place: { topicId: string; index: number }) => Partition | undefined;
  readonly tierWriter: TierWriter;
  readonly segmentBytes: number;
  /** The directory is gone with the broker: what only it has is sealed before it goes. */
  readonly isEphemeral: boolean;
  readonly clock: Clock;
  readonly log: LogOutput;
};

const everyMs = 250;
/** Of one command. */
const sealsAtOnce = 1_000;
const lanes = 2;

/** The result stops it, and resolves when nothing of it is under way. */
export function startSealing(options: SealingOptions): () => Promise<void> {
  const { metadata, clock, log } = options;
  return startPeriodic({
    clock,
    intervalMs: everyMs,
    async round() {
      const due = sealable(metadata.image, options).slice(0, sealsAtOnce);
      if (due.length === 0) return;
      const put = await putAway(options, due);
      if (put.length === 0) return;
      try {
        // Looked at when it is decided: others may have taken minutes to go up, and the sleep may have been taken back and begun anew meanwhile.
        await metadata.submit((image, context) => {
          const seals = put.filter(isAsItWasPut).map(({ seal }) => seal);
          return sealPartitions(image, { ...options.self, seals }, context);
        });
      } catch (error) {
        if (!(error instanceof MetadataLogError)) throw error;
        log.warn("seals wait for the metadata log", { error: error.message });
      }
    },
    failed: (error) => log.error("sealing failed; it is tried again", { error: String(error) }),
  });
}

/** What is led here, and has to be sealed. A directory that outlives the broker keeps its last copies. */
function sealable(image: Image, { self, partitionOf, isEphemeral }: SealingOptions): Partition[] {
  if (!isEphemeral && image.sleep.state !== "fallingAsleep") return [];
  return sealsDue(image, self.brokerId).flatMap((place) => {
    const partition = partitionOf(place);
    return partition?.isLeader === true && partition.log.failure === null ? [partition] : [];
  });
}

/** All of its log is in the object store. */
type PutAway = {
  readonly partition: Partition;
  readonly seal: WantedSeal;
  readonly logStartOffset: number;
};

async function putAway(options: SealingOptions, due: Partition[]): Promise<PutAway[]> {
  const put: PutAway[] = [];
  const lane = async (): Promise<void> => {
    for (let next = due.shift(); next !== undefined; next = due.shift()) {
      const done = await putAwayOne(options, next);
      if (done !== null) put.push(done);
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return put;
}

/** Whoever begins at the seal knows nothing that has come since. */
const isAsItWasPut = ({ partition, seal, logStartOffset }: PutAway): boolean =>
  partition.isLeader &&
  partition.leaderEpoch === seal.leaderEpoch &&
  partition.log.nextOffset === seal.end &&
  partition.log.logStartOffset === logStartOffset;

/** Null while it cannot be said: records are on their way yet, or the object store does not answer. */
async function putAwayOne(
  { tierWriter, segmentBytes, log: output }: SealingOptions,
  partition: Partition,
): Promise<PutAway | null> {
  const { topicId, index, log, leaderEpoch } = partition;
  const end = log.nextOffset;
  if (log.highWatermark !== end) return null;
  const say = (reason: string): void =>
    output.warn("a partition cannot be sealed yet", { topicId, partition: index, reason });
  while (partition.tieredEnd < end && log.logStartOffset < end) {
    const before = partition.tieredEnd;
    const written = await tierWriter.cut(partition, segmentBytes);
    if (written.kind === "failed") say(written.reason);
    if (written.kind !== "done" || partition.tieredEnd === before) return null;
  }
  const { logStartOffset } = log;
  const told = await tierWriter.tellLogStart(partition);
  if (told.kind === "failed") say(told.reason);
  if (told.kind !== "done") return null;
  return { partition, seal: { topicId, index, leaderEpoch, end }, logStartOffset };
}
