// The follower's half of a fetch session (KIP-227): the leader remembers what was asked of it, so that a request names only what changed. Ten thousand
// idle partitions are an empty request.

/** What is asked of one partition. */
export type PartitionWish = {
  readonly topicId: string;
  readonly index: number;
  readonly leaderEpoch: number;
  readonly fetchOffset: number;
  readonly lastFetchedEpoch: number;
  readonly logStartOffset: number;
  readonly highWatermark: number;
  /** What the leader is asked to put into the object store, because this disk needs the room; -1: nothing. */
  readonly pressedEnd: number;
};

export type SessionRequest = {
  readonly sessionId: number;
  readonly sessionEpoch: number;
  /** New or changed. */
  readonly wishes: readonly PartitionWish[];
  readonly forgotten: readonly { readonly topicId: string; readonly index: number }[];
};

export type FetchSessionClient = {
  /** The request that makes the leader's session ask for exactly `wanted`. */
  next(wanted: ReadonlyMap<string, PartitionWish>): SessionRequest;
  /** The leader has refused this one: it need not have heard what was asked. Named again, unless it is asked for no longer. */
  refused(key: string): void;
  /** The leader answered: with the id of its session, 0 if it keeps none. */
  answered(sessionId: number): void;
  /** The session is gone, or nobody knows what became of the last request: begin again. */
  reset(): void;
};

const noSession = 0;
const firstEpoch = 0;
/** Of a leader: no epoch that is followed. */
const notAsked = -1;
const maxEpoch = 0x7fff_ffff;

export function createFetchSessionClient(): FetchSessionClient {
  let sessionId = noSession;
  let epoch = firstEpoch;
  let sent = new Map<string, PartitionWish>();

  /** The full request that follows names the old session, which ends it. */
  function reset(): void {
    epoch = firstEpoch;
    sent = new Map();
  }

  return {
    next(wanted) {
      const wishes: PartitionWish[] = [];
      for (const [key, wish] of wanted) {
        const before = sent.get(key);
        if (before === undefined || !isSame(before, wish)) {
          wishes.push(wish);
          sent.set(key, wish);
        }
      }
      const forgotten: { topicId: string; index: number }[] = [];
      if (sent.size > wanted.size) {
        for (const [key, { topicId, index }] of sent) {
          if (wanted.has(key)) continue;
          forgotten.push({ topicId, index });
          sent.delete(key);
        }
      }
      return {
        sessionId,
        sessionEpoch: epoch,
        wishes,
        forgotten: epoch === firstEpoch ? [] : forgotten,
      };
    },
    refused(key) {
      // Of one that is forgotten the session has to be told.
      const before = sent.get(key);
      if (before !== undefined) sent.set(key, { ...before, leaderEpoch: notAsked });
    },
    answered(id) {
      sessionId = id;
      if (id === noSession) return reset();
      epoch = epoch === maxEpoch ? 1 : epoch + 1;
    },
    reset,
  };
}

/** The high watermark is no reason to speak: it only says how far a wait may go. */
function isSame(left: PartitionWish, right: PartitionWish): boolean {
  return (
    left.fetchOffset === right.fetchOffset &&
    left.leaderEpoch === right.leaderEpoch &&
    left.lastFetchedEpoch === right.lastFetchedEpoch &&
    left.logStartOffset === right.logStartOffset &&
    left.pressedEnd >= right.pressedEnd
  );
}
