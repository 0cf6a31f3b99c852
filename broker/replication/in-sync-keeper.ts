import type {
  AlterPartitionRequest,
  ProposedIsr,
} from "../../metadata/commands/alter-partition.ts";
import type { Image } from "../../metadata/image/image.ts";
import type { Clock } from "../../ports/clock.ts";
import type { LogOutput } from "../log-output.ts";
import type { IsrAnswer } from "./alter-partition-message.ts";
import type { IsrProposal, LeaderState, ProposalAnswer } from "./leader-state.ts";
import { forgiveLag, proposalAnswered, propose } from "./leader-state.ts";
import { advance, type Partition } from "./partition.ts";

// Keeps the in-sync sets of the partitions led here: looks for followers that have caught up or fallen behind, and asks the controller, for many partitions
// at once and once at a time (replication.md L5-L7).

export type InSyncKeeper = {
  /** Something about the partition's followers has changed. */
  look(partition: Partition): void;
  /** A broker is back in service. */
  lookAtAll(): void;
  stop(): void;
};

export type InSyncKeeperOptions = {
  readonly self: { readonly brokerId: number; readonly brokerEpoch: number };
  readonly clock: Clock;
  readonly log: LogOutput;
  readonly image: () => Image;
  /** Partitions held here. */
  readonly partitions: () => Iterable<Partition>;
  /** Asks whoever is controller; answers in the order of the proposals. Throws if nobody knows what became of them. */
  readonly ask: (request: AlterPartitionRequest) => Promise<readonly IsrAnswer[]>;
  /** replica.lag.time.max.ms */
  readonly maxLagMs?: number;
};

const defaultMaxLagMs = 10_000;
/** Followers that fell behind are looked for this often; half of the lag time, as Kafka does, would leave a dead one in for half as long again. */
const looksPerLag = 4;
const resendPauseMs = 200;
const lateTickMs = 500;
/** Of one request; the rest follows. */
const maxPartitionsAtOnce = 2_000;

type Asked = {
  readonly partition: Partition;
  readonly state: LeaderState;
  readonly proposal: IsrProposal;
};

export function createInSyncKeeper(options: InSyncKeeperOptions): InSyncKeeper {
  return new Keeper(options);
}

class Keeper implements InSyncKeeper {
  readonly #options: InSyncKeeperOptions;
  readonly #maxLagMs: number;
  /** To be looked at; of those to be asked for again the proposal is pending. */
  readonly #waiting = new Set<Partition>();
  #isAsking = false;
  #isStopped = false;
  #cancelTurn: (() => void) | null = null;
  #cancelTick: () => void = () => undefined;

  constructor(options: InSyncKeeperOptions) {
    this.#options = options;
    this.#maxLagMs = options.maxLagMs ?? defaultMaxLagMs;
    this.#planTick();
  }

  look(partition: Partition): void {
    this.#waiting.add(partition);
    this.#planTurn(0);
  }

  lookAtAll(): void {
    for (const partition of this.#options.partitions())
      if (partition.leaderState !== null) this.#waiting.add(partition);
    this.#planTurn(0);
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancelTick();
    this.#cancelTurn?.();
  }

  #planTick(): void {
    const { clock, partitions } = this.#options;
    const everyMs = this.#maxLagMs / looksPerLag;
    const dueMs = clock.monotonicMs() + everyMs;
    this.#cancelTick = clock.after(everyMs, () => {
      const nowMs = clock.monotonicMs();
      // A process that stood still has fetches waiting for it: what they say comes after this, and nobody has fallen behind meanwhile.
      const stoodStill = nowMs - dueMs > lateTickMs;
      for (const partition of partitions()) {
        if (partition.leaderState === null) continue;
        if (stoodStill) forgiveLag(partition.leaderState, nowMs);
        this.#waiting.add(partition);
      }
      this.#planTick();
      this.#planTurn(0);
    });
  }

  #planTurn(delayMs: number): void {
    if (this.#cancelTurn !== null || this.#isAsking || this.#isStopped) return;
    if (this.#waiting.size === 0) return;
    this.#cancelTurn = this.#options.clock.after(delayMs, () => {
      this.#cancelTurn = null;
      void this.#turn();
    });
  }

  async #turn(): Promise<void> {
    const asked = this.#proposals();
    if (asked.length === 0) return this.#planTurn(0);
    this.#isAsking = true;
    const pauseMs = await this.#askFor(asked);
    this.#isAsking = false;
    this.#planTurn(pauseMs);
  }

  #proposals(): Asked[] {
    const { clock, image } = this.#options;
    const { brokers } = image();
    const isActive = (id: number): boolean => brokers.get(id)?.state === "active";
    const asked: Asked[] = [];
    for (const partition of this.#waiting) {
      if (asked.length === maxPartitionsAtOnce) break;
      this.#waiting.delete(partition);
      const { leaderState: state, log } = partition;
      if (state === null) continue;
      const proposal =
        state.pending ??
        propose(state, {
          nowMs: clock.monotonicMs(),
          maxLagMs: this.#maxLagMs,
          highWatermark: log.highWatermark,
          isActive,
        });
      if (proposal !== null) asked.push({ partition, state, proposal });
    }
    return asked;
  }

  /** How long to wait before the next question. */
  async #askFor(asked: readonly Asked[]): Promise<number> {
    const { self, ask, log } = this.#options;
    try {
      const answers = await ask({ ...self, partitions: asked.map(wishOf) });
      this.#answered(asked, (at) => answerOf(answers[at]));
      return answers.some(({ error }) => error === "OPERATION_NOT_ATTEMPTED") ? 0 : resendPauseMs;
    } catch (error) {
      if (!this.#isStopped)
        log.debug("no answer about in-sync sets", { error: String(error), count: asked.length });
      this.#answered(asked, () => ({ kind: "unknown" }));
      return resendPauseMs;
    }
  }

  #answered(asked: readonly Asked[], answerAt: (at: number) => ProposalAnswer): void {
    const nowMs = this.#options.clock.monotonicMs();
    for (const [at, { partition, state, proposal }] of asked.entries()) {
      // Led in another term by now, or by another.
      if (partition.leaderState !== state) continue;
      const reaction = proposalAnswered(state, proposal, { answer: answerAt(at), nowMs });
      if (reaction === "resend") this.#waiting.add(partition);
      // "stepDown" and "await": the entry that says so is on its way.
      if (reaction === "done") advance(partition);
    }
  }
}

function wishOf({ partition, proposal }: Asked): ProposedIsr {
  const { topicId, index } = partition;
  const { leaderEpoch, partitionEpoch, distrusted } = proposal;
  const isr = proposal.isr.map((brokerId, at) => ({
    brokerId,
    brokerEpoch: proposal.brokerEpochs[at] ?? -1,
  }));
  return { topicId, index, leaderEpoch, partitionEpoch, isr, distrusted };
}

function answerOf(answer: IsrAnswer | undefined): ProposalAnswer {
  if (answer === undefined) return { kind: "unknown" };
  const { error, partition } = answer;
  switch (error) {
    case null:
      return partition === null
        ? { kind: "unknown" }
        : { kind: "accepted", partitionEpoch: partition.partitionEpoch, isr: partition.isr };
    case "INELIGIBLE_REPLICA":
    case "INVALID_REQUEST":
    case "UNKNOWN_TOPIC_ID":
    case "UNKNOWN_TOPIC_OR_PARTITION":
      return { kind: "refused" };
    case "INVALID_UPDATE_VERSION":
      return { kind: "outdated" };
    case "FENCED_LEADER_EPOCH":
    case "NEW_LEADER_ELECTED":
      return { kind: "fenced" };
    case "NOT_CONTROLLER":
    case "OPERATION_NOT_ATTEMPTED":
      return { kind: "unknown" };
  }
}
