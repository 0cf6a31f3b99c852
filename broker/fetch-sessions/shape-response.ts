import { makeDirty } from "./dirty-partitions.ts";
import { partitionKey, type ResolvedFetch } from "./resolve-fetch.ts";
import type { FetchSession, WantedPartition } from "./session-cache.ts";

/** The part of a response partition that decides whether it is sent. */
export type PartitionAnswer = {
  readonly errorCode: number;
  readonly highWatermark: number;
  readonly logStartOffset?: number;
  readonly tieredEnd?: number;
  readonly packedEnd?: number;
  readonly preferredReadReplica?: number;
  readonly divergingEpoch?: { readonly epoch?: number; readonly endOffset?: number };
  readonly records: { readonly byteLength: number } | null;
};

export type ShapedResponse<Answer> = {
  readonly sessionId: number;
  readonly responses: {
    readonly topic: string;
    readonly topicId: string;
    readonly partitions: Answer[];
  }[];
};

/**
 * Groups the answers by topic. Of an incremental fetch only those that say something new are kept: records, an error, a moved high watermark or log start, a
 * replica to prefer, a divergence. Partitions that gave records go to the end of the session's order, so that one with much to read starves none. Called
 * once per request, with what is really sent.
 */
export function shapeFetchResponse<Answer extends PartitionAnswer>(
  fetch: ResolvedFetch,
  answers: Iterable<{ readonly wanted: WantedPartition; readonly answer: Answer }>,
): ShapedResponse<Answer> {
  const topics = new Map<string, ShapedResponse<Answer>["responses"][number]>();
  for (const { wanted, answer } of answers) {
    if (fetch.session !== null) {
      const isNews = noteAnswer(wanted, answer);
      if (hasRecords(answer)) moveToEnd(fetch.session, wanted);
      if (!isNews && fetch.kind === "incremental") continue;
    }
    const { topic, topicId } = wanted;
    const key = `${topicId}:${topic}`;
    const shaped = topics.get(key) ?? { topic, topicId, partitions: [] };
    topics.set(key, shaped);
    shaped.partitions.push(answer);
  }
  return { sessionId: fetch.session?.id ?? 0, responses: [...topics.values()] };
}

const hasRecords = (answer: PartitionAnswer): boolean => (answer.records?.byteLength ?? 0) > 0;

/** Remembers what is sent of a partition; true if there is anything the client does not know. */
const noteAnswer = (wanted: WantedPartition, answer: PartitionAnswer): boolean => {
  const logStartOffset = answer.logStartOffset ?? -1;
  const { tieredEnd = -1, packedEnd = -1 } = answer;
  const hasMoved =
    wanted.sentTieredEnd !== tieredEnd ||
    wanted.sentPackedEnd !== packedEnd ||
    wanted.sentHighWatermark !== answer.highWatermark ||
    wanted.sentLogStartOffset !== logStartOffset;
  wanted.sentHighWatermark = answer.highWatermark;
  wanted.sentLogStartOffset = logStartOffset;
  wanted.sentTieredEnd = tieredEnd;
  wanted.sentPackedEnd = packedEnd;
  const isDiverging = (answer.divergingEpoch?.epoch ?? -1) >= 0;
  if (answer.errorCode !== 0 || isDiverging) {
    // Also the answer after it is news: it says that all is well again.
    wanted.sentHighWatermark = -1;
    return true;
  }
  return hasMoved || hasRecords(answer) || (answer.preferredReadReplica ?? -1) >= 0;
};

const moveToEnd = (session: FetchSession, wanted: WantedPartition): void => {
  const key = partitionKey(wanted, wanted.partition, session.usesTopicIds);
  if (session.partitions.get(key) !== wanted) return;
  session.partitions.delete(key);
  session.partitions.set(key, wanted);
  if (session.dirty !== null) makeDirty(session.dirty, wanted);
};
