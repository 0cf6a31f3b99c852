import type { Clock } from "../../ports/clock.ts";
import type { Address, Network } from "../../ports/network.ts";
import type { LogOutput } from "../log-output.ts";
import { createPeer } from "../peers/peer.ts";
import type { Followed, FollowedLog, FetcherLimits, ReplicaFetcher } from "./replica-fetcher.ts";
import { createReplicaFetcher } from "./replica-fetcher.ts";

/** The fetchers of a broker: one for each broker it follows a partition of. */
export type ReplicaFetchers = {
  /** Follows the partition, from whoever leads it; ends what was followed of it before. */
  follow(leaderId: number, followed: Followed): void;
  unfollow(topicId: string, index: number): void;
  /** The broker was registered anew, perhaps elsewhere: what is followed of it goes on over a new connection. */
  leaderRegistered(leaderId: number): void;
  /** A commit of these logs ended, well or not. */
  settled(logs: Iterable<FollowedLog>): void;
  stop(): Promise<void>;
};

export type ReplicaFetchersOptions = {
  readonly selfId: number;
  readonly brokerEpoch: number;
  readonly network: Network;
  readonly clock: Clock;
  readonly log: LogOutput;
  readonly room: (bytes: number) => Promise<void>;
  /** Where the broker can be reached; null while the metadata log does not say. */
  readonly addressOf: (brokerId: number) => Address | null;
  readonly limits?: Partial<FetcherLimits>;
};

/** A response of `replica.fetch.response.max.bytes`, and one batch that is larger. */
const maxFrameBytes = 128 * 1024 * 1024;
/** Until the metadata log says where a leader is. */
const unknownAddressPauseMs = 500;

type Placed = { readonly leaderId: number; readonly followed: Followed };
type Wait = { readonly logs: Set<FollowedLog>; readonly done: () => void };

export function createReplicaFetchers(options: ReplicaFetchersOptions): ReplicaFetchers {
  const fetchers = new Map<number, ReplicaFetcher>();
  const placed = new Map<string, Placed>();
  const waits = new Set<Wait>();
  const stopping = new Set<Promise<void>>();
  const cancelTimers = new Set<() => void>();
  let isStopped = false;

  const keyOf = (topicId: string, index: number): string => `${index}:${topicId}`;

  function whenWritten(logs: readonly FollowedLog[]): Promise<void> {
    const pending = logs.filter((log) => log.logEndOffset < log.nextOffset && log.failure === null);
    if (pending.length === 0 || isStopped) return Promise.resolve();
    return new Promise((done) => waits.add({ logs: new Set(pending), done }));
  }

  function end(fetcher: ReplicaFetcher): void {
    const stopped = fetcher.stop().finally(() => stopping.delete(stopped));
    stopping.add(stopped);
  }

  function fetcherOf(leaderId: number): ReplicaFetcher | null {
    const known = fetchers.get(leaderId);
    if (known !== undefined) return known;
    const address = options.addressOf(leaderId);
    if (address === null) return null;
    const { selfId, brokerEpoch, network, clock, log, room, limits = {} } = options;
    const clientId = `broker-${selfId}-fetcher`;
    const peer = createPeer({ network, clock, address, clientId, maxFrameBytes });
    const fetcher = createReplicaFetcher({
      ...{ selfId, brokerEpoch, leaderId, peer, clock, log, room, whenWritten, limits },
    });
    fetchers.set(leaderId, fetcher);
    return fetcher;
  }

  function assign({ leaderId, followed }: Placed): void {
    const fetcher = fetcherOf(leaderId);
    if (fetcher !== null) return fetcher.follow(followed);
    const cancel = options.clock.after(unknownAddressPauseMs, () => {
      cancelTimers.delete(cancel);
      const key = keyOf(followed.topicId, followed.index);
      const current = placed.get(key);
      if (!isStopped && current?.followed === followed) assign(current);
    });
    cancelTimers.add(cancel);
  }

  function unfollow(topicId: string, index: number): void {
    const key = keyOf(topicId, index);
    const before = placed.get(key);
    if (before === undefined) return;
    placed.delete(key);
    const fetcher = fetchers.get(before.leaderId);
    fetcher?.unfollow(topicId, index);
    if (fetcher?.size !== 0) return;
    fetchers.delete(before.leaderId);
    end(fetcher);
  }

  return {
    follow(leaderId, followed) {
      if (isStopped) return;
      const key = keyOf(followed.topicId, followed.index);
      const before = placed.get(key);
      const isSame = before?.leaderId === leaderId && before.followed.log === followed.log;
      if (isSame && before.followed.leaderEpoch === followed.leaderEpoch) return;
      if (!isSame) unfollow(followed.topicId, followed.index);
      const place = { leaderId, followed };
      placed.set(key, place);
      assign(place);
    },
    unfollow,
    leaderRegistered(leaderId) {
      const fetcher = fetchers.get(leaderId);
      if (fetcher === undefined) return;
      fetchers.delete(leaderId);
      end(fetcher);
      for (const place of placed.values()) if (place.leaderId === leaderId) assign(place);
    },
    settled(logs) {
      if (waits.size === 0) return;
      const changed = [...logs];
      for (const wait of waits) {
        for (const log of changed)
          if (log.logEndOffset >= log.nextOffset || log.failure !== null) wait.logs.delete(log);
        if (wait.logs.size > 0) continue;
        waits.delete(wait);
        wait.done();
      }
    },
    async stop() {
      isStopped = true;
      for (const cancel of cancelTimers) cancel();
      placed.clear();
      for (const fetcher of fetchers.values()) end(fetcher);
      fetchers.clear();
      for (const wait of waits) wait.done();
      waits.clear();
      await Promise.all(stopping);
    },
  };
}
