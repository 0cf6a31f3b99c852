// What a consumer holds while it is in its group: which partitions, read from where, and what of them is committed when. A partition that this member
// had in the generation before goes on where it was; any other starts where the group has got to.
import type { MyelinError } from "../errors.ts";
import { toMyelinError } from "../errors.ts";
import type { Fetcher } from "./fetcher.ts";
import type { Assignment, MembershipOptions } from "./membership.ts";
import { Membership } from "./membership.ts";
import { lookUpWith } from "./partition-leaders.ts";
import type { Owned } from "./ownership.ts";
import { createOwnership } from "./ownership.ts";

export type GroupSessionOptions = Omit<
  MembershipOptions,
  "onRevoke" | "onAssigned" | "onFailure" | "lookUp"
> & {
  readonly from: "beginning" | "end";
  readonly fetcher: Fetcher;
};

type TopicPartition = { readonly topic: string; readonly partition: number };
type StartOffset = TopicPartition & { readonly offset: number; readonly isCommitted: boolean };

const commitIntervalMs = 5_000;
/** How long `close` tries to commit what is done. */
const lastCommitMs = 5_000;
const offsetsRetryMs = 500;

/** From joining to leaving. */
export class GroupSession {
  readonly ownership = createOwnership();
  readonly #options: GroupSessionOptions;
  readonly #fetcher: Fetcher;
  readonly #membership: Membership;
  #failure: MyelinError | null = null;
  #lastAssignment: Assignment | null = null;
  /** Counts assignments, so that a slow one knows that it has been overtaken. */
  #round = 0;
  /** Between assignments nothing is delivered and nothing committed. */
  #isBetween = true;
  #isClosed = false;
  #commitTimer: NodeJS.Timeout | null = null;
  #lastCommit: Promise<unknown> = Promise.resolve();
  #queuedCommit: Promise<boolean> | null = null;

  constructor(options: GroupSessionOptions) {
    this.#options = options;
    this.#fetcher = options.fetcher;
    this.#membership = new Membership({
      ...options,
      lookUp: lookUpWith(options.fetcher.client, options.bootstrapServers),
      onRevoke: () => this.#revoke(),
      onAssigned: (assignment) => void this.#assign(assignment),
      onFailure: (error) => this.#fail(error),
    });
  }

  /** Joins the group; assignments come from then on. Rejects with MyelinError. */
  async start(): Promise<void> {
    await this.#membership.join();
    if (this.#isClosed) return;
    this.#commitTimer = setInterval(() => {
      if (!this.#isBetween) this.#commit().catch((error: unknown) => this.#commitFailed(error));
    }, commitIntervalMs);
  }

  /** Whether messages may be delivered now. Throws what has ended the membership. */
  isReady(): boolean {
    if (this.#failure !== null) throw this.#failure;
    return !this.#isBetween;
  }

  /** Whether the partition is this member's now. */
  holds(owned: Owned): boolean {
    return !this.#isBetween && this.ownership.isCurrent(owned);
  }

  /** Commits what is done of the partition (and of all others); false if it is not this member's, or a rebalance overtook it. */
  async commitOwned(owned: Owned): Promise<boolean> {
    while (this.#isBetween && !this.#isClosed && this.#failure === null)
      await this.#fetcher.changed();
    // And once more afterwards: a commit that waited for its turn says what is this member's by then.
    return (
      this.ownership.isCurrent(owned) && (await this.#commit()) && this.ownership.isCurrent(owned)
    );
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#commitTimer !== null) clearInterval(this.#commitTimer);
    if (!this.#isBetween) await this.#commitLast();
    await this.#fetcher.close().catch(() => undefined);
    // What the group cannot be told now (it has lost this member, or cannot be reached) it finds out by the session timeout.
    await this.#membership.close().catch(() => undefined);
  }

  #fail(error: MyelinError): void {
    this.#failure ??= error;
    this.#fetcher.wake();
  }

  /** What may pass is tried again at the next commit; what will not ends the loop. */
  #commitFailed(error: unknown): void {
    const found = toMyelinError(error, "Committing offsets failed");
    if (!found.retriable && !this.#isClosed) this.#fail(found);
  }

  #revoke(): void {
    this.#isBetween = true;
    const offsets = this.ownership.pending();
    // Not queued behind another commit: it must be on its way before this member joins again.
    this.#membership.commit(offsets).then(
      (isTaken) => {
        if (isTaken) this.ownership.committed(offsets);
      },
      (error: unknown) => this.#commitFailed(error),
    );
  }

  async #assign(assignment: Assignment): Promise<void> {
    const mine = ++this.#round;
    const kept = this.#keptBy(assignment);
    for (const owned of this.ownership.all())
      if (!kept.includes(owned)) this.#fetcher.remove(owned.topic, owned.partition);
    this.ownership.replace(kept);
    const added = assignment.partitions.filter(
      ({ topic, partition }) => this.ownership.get(topic, partition) === undefined,
    );
    const starts = await this.#startOffsets(added, mine);
    if (starts === null) return;
    this.ownership.replace([...kept, ...starts.map((start) => this.#take(start))]);
    this.#lastAssignment = assignment;
    this.#isBetween = false;
    this.#fetcher.wake();
  }

  #take({ topic, partition, offset, isCommitted }: StartOffset): Owned {
    return {
      topic,
      partition,
      place: this.#fetcher.add(topic, partition, offset),
      doneOffset: offset,
      // A group that starts at the end remembers which end, else a member that takes over would start at a later one.
      pending: isCommitted ? null : { offset, leaderEpoch: -1 },
    };
  }

  /** Partitions that stay: nobody else had them since, if no generation lies between. */
  #keptBy({ memberId, generationId, partitions }: Assignment): Owned[] {
    const last = this.#lastAssignment;
    if (last?.memberId !== memberId || generationId > last.generationId + 1) return [];
    return partitions.flatMap(({ topic, partition }) => this.ownership.get(topic, partition) ?? []);
  }

  /** Where to start reading; null if another assignment, or the end, has overtaken this one. */
  async #startOffsets(
    partitions: readonly TopicPartition[],
    mine: number,
  ): Promise<StartOffset[] | null> {
    const isOver = (): boolean => mine !== this.#round || this.#isClosed;
    for (;;) {
      try {
        const offsets = partitions.length === 0 ? [] : await this.#findStart(partitions);
        return isOver() ? null : offsets;
      } catch (error) {
        if (isOver()) return null;
        const found = toMyelinError(error, `Reading the offsets of ${this.#options.group} failed`);
        if (!found.retriable) {
          this.#fail(found);
          return null;
        }
        await new Promise((resolve) => setTimeout(resolve, offsetsRetryMs));
      }
    }
  }

  async #findStart(partitions: readonly TopicPartition[]): Promise<StartOffset[]> {
    const committed = await this.#membership.committed(partitions);
    const without = partitions.filter(({ topic, partition }) => committed(topic, partition) < 0);
    const isFromStart = this.#options.from === "beginning";
    const fallback =
      without.length === 0
        ? null
        : await this.#fetcher.client.listOffsets({
            topics: [...new Set(without.map(({ topic }) => topic))],
            timestamp: isFromStart ? -2n : -1n,
          });
    return partitions.map(({ topic, partition }) => {
      const known = committed(topic, partition);
      if (known >= 0) return { topic, partition, offset: known, isCommitted: true };
      const offset = Number(fallback?.get(topic)?.[partition] ?? 0n);
      return { topic, partition, offset, isCommitted: isFromStart };
    });
  }

  /** One at a time; whoever asks while one waits for its turn shares it. False if a rebalance overtook it. */
  #commit(): Promise<boolean> {
    if (this.#queuedCommit !== null) return this.#queuedCommit;
    const before = this.#lastCommit;
    const run = async (): Promise<boolean> => {
      await before;
      this.#queuedCommit = null;
      const offsets = this.ownership.pending();
      const isTaken = await this.#membership.commit(offsets);
      if (isTaken) this.ownership.committed(offsets);
      return isTaken;
    };
    this.#queuedCommit = run();
    this.#lastCommit = this.#queuedCommit.catch(() => undefined);
    return this.#queuedCommit;
  }

  /** A this.#failure means that messages come again, as they may at any time: no reason for `close` to fail. */
  async #commitLast(): Promise<void> {
    let timer: NodeJS.Timeout | null = null;
    const limit = new Promise((resolve) => {
      timer = setTimeout(resolve, lastCommitMs);
    });
    await Promise.race([this.#commit().catch(() => undefined), limit]);
    if (timer !== null) clearTimeout(timer);
  }
}
