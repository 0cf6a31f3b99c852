import type { Image } from "../../metadata/image/image.ts";
import type { Clock } from "../../ports/clock.ts";
import type { MetadataFetch, MetadataFetchAnswer } from "./metadata-fetch.ts";

/** The controller's side of how brokers hear of the metadata log: who has replayed how far, and who waits for more. */
export type MetadataFeed = {
  /** Resolves when there is more than the broker has, or when all have what it has (`awaitsAll`); at the latest when its time is over. */
  fetched(
    fetch: MetadataFetch,
    onEnd: (give: () => void) => () => void,
  ): Promise<MetadataFetchAnswer>;
  /** The log here has grown, or brokers came, went or changed their state. */
  applied(): void;
  /** Every broker in service has replayed up to the revision, as far as this broker has heard. */
  isWithAll(revision: number): boolean;
  /** Answers everybody who waits. */
  close(): void;
};

export type MetadataFeedOptions = {
  readonly selfId: number;
  readonly image: Image;
  readonly clock: Clock;
  /** Applies what this broker has not read yet; throws nothing. */
  readonly readLog: () => Promise<void>;
};

type Position = { readonly brokerEpoch: number; revision: number };
type Waiting = { readonly isOver: () => boolean; readonly give: () => void };

/** One from each broker and a few that await all; whoever asks for more is answered at once. */
const maxWaiting = 1_000;

export function createMetadataFeed(options: MetadataFeedOptions): MetadataFeed {
  const { selfId, image, clock, readLog } = options;
  const positions = new Map<number, Position>();
  const waiting = new Set<Waiting>();
  let isClosed = false;

  function note({ brokerId, brokerEpoch, revision }: MetadataFetch): void {
    const known = positions.get(brokerId);
    if (known !== undefined && known.brokerEpoch > brokerEpoch) return;
    if (known?.brokerEpoch === brokerEpoch) known.revision = Math.max(known.revision, revision);
    else positions.set(brokerId, { brokerEpoch, revision });
    wake();
  }

  function isWithAll(revision: number): boolean {
    if (image.revision < revision) return false;
    for (const { brokerId, epoch, state } of image.brokers.values()) {
      if (state === "fenced" || brokerId === selfId) continue;
      const position = positions.get(brokerId);
      if (position?.brokerEpoch !== epoch || position.revision < revision) return false;
    }
    return true;
  }

  function wake(): void {
    for (const each of Array.from(waiting)) if (each.isOver()) each.give();
  }

  const isController = (): boolean => image.controller.brokerId === selfId;

  return {
    async fetched(fetch, onEnd) {
      if (fetch.revision > image.revision) await readLog();
      if (!isController()) return null;
      note(fetch);
      const { revision, awaitsAll, maxWaitMs } = fetch;
      const isOver = awaitsAll
        ? () => isWithAll(revision) || !isController()
        : () => image.revision > revision || !isController();
      if (!isOver() && !isClosed && waiting.size < maxWaiting && maxWaitMs > 0) {
        await new Promise<void>((resolve) => {
          const give = (): void => {
            if (!waiting.delete(each)) return;
            cancel();
            forget?.();
            resolve();
          };
          let forget: (() => void) | null = null;
          const each: Waiting = { isOver, give };
          waiting.add(each);
          const cancel = clock.after(maxWaitMs, give);
          forget = onEnd(give);
          // Whoever asked may have been gone before this was asked for.
          if (!waiting.has(each)) forget();
        });
      }
      if (!isController()) return null;
      return { revision: image.revision, isWithAll: isWithAll(revision) };
    },
    applied() {
      for (const brokerId of positions.keys())
        if (!image.brokers.has(brokerId)) positions.delete(brokerId);
      wake();
    },
    isWithAll,
    close() {
      isClosed = true;
      for (const { give } of Array.from(waiting)) give();
    },
  };
}
