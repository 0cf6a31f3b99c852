import type { Clock } from "../../ports/clock.ts";
import type { Address, Network } from "../../ports/network.ts";
import type { LogOutput } from "../log-output.ts";
import { createPeer } from "../peers/peer.ts";
import type { CommitWaits } from "./commit-waits.ts";
import { createCommitWaits } from "./commit-waits.ts";
import type { Followed } from "./followed.ts";
import type { FetcherLimits, ReplicaFetcher } from "./replica-fetcher.ts";
import { createReplicaFetcher } from "./replica-fetcher.ts";

/** The fetchers of a broker: one for each broker it follows a partition of. */
export type ReplicaFetchers = Pick<CommitWaits, "settled"> & {
  /** Follows the partition, from whoever leads it; ends what was followed of it before. */
  follow(leaderId: number, followed: Followed): void;
  unfollow(topicId: string, index: number): void;
  /** The broker was registered anew, perhaps elsewhere: what is followed of it goes on over a new connection. */
  leaderRegistered(leaderId: number): void;
  /** What was registered meanwhile is not known one by one: all of it goes on over new connections. */
  reloaded(): void;
  stop(): Promise<void>;
};

export type ReplicaFetchersOptions = {
  readonly selfId: number;
  readonly brokerEpoch: number;
  readonly network: Network;
  readonly clock: Clock;
  readonly log: LogOutput;
  readonly room: (bytes: number) => Promise<void> | null;
  /** Where the broker can be reached; null while the metadata log does not say. */
  readonly addressOf: (brokerId: number) => Address | null;
  readonly limits?: Partial<FetcherLimits>;
};

/** A response of `replica.fetch.response.max.bytes`, and one batch that is larger. */
const maxFrameBytes = 128 * 1024 * 1024;
/** Until the metadata log says where a leader is. */
const unknownAddressPauseMs = 500;

export function createReplicaFetchers(options: ReplicaFetchersOptions): ReplicaFetchers {
  return new FetcherPool(options);
}

type Placed = { readonly leaderId: number; readonly followed: Followed };

const keyOf = (topicId: string, index: number): string => `${index}:${topicId}`;

class FetcherPool implements ReplicaFetchers {
  readonly #options: ReplicaFetchersOptions;
  readonly #waits = createCommitWaits();
  readonly #fetchers = new Map<number, ReplicaFetcher>();
  readonly #placed = new Map<string, Placed>();
  /** Of fetchers that were ended: until nothing of them is under way. */
  readonly #ending = new Set<Promise<void>>();
  readonly #timers = new Set<() => void>();
  #isStopped = false;

  constructor(options: ReplicaFetchersOptions) {
    this.#options = options;
  }

  follow(leaderId: number, followed: Followed): void {
    if (this.#isStopped) return;
    const key = keyOf(followed.topicId, followed.index);
    const before = this.#placed.get(key);
    const isSame = before?.leaderId === leaderId && before.followed.log === followed.log;
    if (isSame && before.followed.leaderEpoch === followed.leaderEpoch) return;
    if (!isSame) this.unfollow(followed.topicId, followed.index);
    const place = { leaderId, followed };
    this.#placed.set(key, place);
    this.#assign(place);
  }

  unfollow(topicId: string, index: number): void {
    const key = keyOf(topicId, index);
    const before = this.#placed.get(key);
    if (before === undefined) return;
    this.#placed.delete(key);
    const fetcher = this.#fetchers.get(before.leaderId);
    fetcher?.unfollow(topicId, index);
    if (fetcher?.size === 0) this.#end(before.leaderId, fetcher);
  }

  leaderRegistered(leaderId: number): void {
    const fetcher = this.#fetchers.get(leaderId);
    if (fetcher === undefined) return;
    this.#end(leaderId, fetcher);
    for (const place of this.#placed.values()) if (place.leaderId === leaderId) this.#assign(place);
  }

  reloaded(): void {
    for (const leaderId of Array.from(this.#fetchers.keys())) this.leaderRegistered(leaderId);
  }

  settled(logs: Parameters<CommitWaits["settled"]>[0]): void {
    this.#waits.settled(logs);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const cancel of this.#timers) cancel();
    this.#placed.clear();
    for (const [leaderId, fetcher] of this.#fetchers) this.#end(leaderId, fetcher);
    this.#waits.stop();
    await Promise.all(this.#ending);
  }

  #end(leaderId: number, fetcher: ReplicaFetcher): void {
    this.#fetchers.delete(leaderId);
    const ended = fetcher.stop().finally(() => this.#ending.delete(ended));
    this.#ending.add(ended);
  }

  #assign({ leaderId, followed }: Placed): void {
    const fetcher = this.#fetchers.get(leaderId) ?? this.#started(leaderId);
    if (fetcher !== null) return fetcher.follow(followed);
    const cancel = this.#options.clock.after(unknownAddressPauseMs, () => {
      this.#timers.delete(cancel);
      const place = this.#placed.get(keyOf(followed.topicId, followed.index));
      if (!this.#isStopped && place?.followed === followed) this.#assign(place);
    });
    this.#timers.add(cancel);
  }

  #started(leaderId: number): ReplicaFetcher | null {
    const address = this.#options.addressOf(leaderId);
    if (address === null) return null;
    const { selfId, network, clock } = this.#options;
    const clientId = `broker-${selfId}-fetcher`;
    const fetcher = createReplicaFetcher({
      ...this.#options,
      leaderId,
      peer: createPeer({ network, clock, address, clientId, maxFrameBytes }),
      whenWritten: (logs) => this.#waits.whenWritten(logs),
    });
    this.#fetchers.set(leaderId, fetcher);
    return fetcher;
  }
}
