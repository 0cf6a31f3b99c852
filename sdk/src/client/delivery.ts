import type { Base } from "@platformatic/kafka";
import { ProtocolError } from "@platformatic/kafka";
import { MyelinError, toMyelinError } from "../errors.ts";
import type { Compression } from "./compression.ts";
import type { ProducerId } from "./new-producer-id.ts";
import { newProducerId } from "./new-producer-id.ts";
import type { Leaders, LookUp, Node } from "./partition-leaders.ts";
import { lookUpWith, partitionLeaders } from "./partition-leaders.ts";
import type { Batch, ProduceAnswer } from "./produce-request.ts";
import { sendBatches } from "./produce-request.ts";

// Brings batches to whoever leads their partitions, for as long as it takes: a leader that moves, dies or stands still costs time and nothing else. Each batch
// keeps the sequence number it was given first, so that whoever has it already says so, and does not write it again (KIP-98).

export type Outcome =
  /** -1: a broker has it, and does not know any more where. */
  | { readonly kind: "written"; readonly offset: number }
  | { readonly kind: "failed"; readonly error: MyelinError };

export type DeliveryOptions = {
  readonly client: Pick<Base, "connections" | "listApis">;
  readonly bootstrapServers: string;
  readonly compression: Compression;
  /** delivery.timeout.ms: after so long a batch is given up. */
  readonly limitMs: number;
};

/** Who writes, for brokers to tell what they have from what they have not. */
type Sender = ProducerId & {
  /** By partition: of the next message. */
  readonly sequences: Map<string, number>;
};

type Parcel = {
  readonly batch: Batch;
  /** From its first attempt on. */
  sender: Sender | null;
  sequence: number;
  outcome: Outcome | null;
  /** Of the last attempt. */
  error: MyelinError | null;
  /** Since when its topic is unknown to whoever is asked. */
  unknownSinceMs: number | null;
};

const firstPauseMs = 50;
const maxPauseMs = 1_000;
/** A topic just made may not be known everywhere; one that is not there shall be heard of soon. */
const unknownLimitMs = 3_000;
/** While an answer is waited for: how often it is looked whether the partitions are led elsewhere by now, so that nobody will ever answer. */
const lookEveryMs = 2_000;
/** Who leads is asked anew after so long, though nothing has failed. */
const maxAgeMs = 60_000;
const sequenceCount = 2 ** 31;

export class Delivery {
  readonly #options: DeliveryOptions;
  readonly #lookUp: LookUp;
  #sender: Sender | null = null;
  #leaders: {
    readonly known: Leaders;
    readonly topics: Set<string>;
    readonly atMs: number;
  } | null = null;

  constructor(options: DeliveryOptions) {
    this.#options = options;
    this.#lookUp = lookUpWith(options.client, options.bootstrapServers);
  }

  /** Resolves when each batch is written or given up, in their order; never rejects. One call at a time, with at most one batch of a partition. */
  async deliver(batches: readonly Batch[]): Promise<Outcome[]> {
    const parcels = batches.map(parcelOf);
    const deadlineMs = performance.now() + this.#options.limitMs;
    for (let pauseMs = 0; ; pauseMs = Math.min(maxPauseMs, pauseMs * 2 || firstPauseMs)) {
      if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
      const waiting = parcels.filter(({ outcome }) => outcome === null);
      await this.#attempt(waiting, { isAgain: pauseMs > 0 });
      giveUp(parcels, deadlineMs);
      if (parcels.every(({ outcome }) => outcome !== null)) break;
    }
    // Behind a batch that was given up its sequence numbers are missing: what comes next is somebody else's.
    if (parcels.some(({ outcome }) => outcome?.kind === "failed")) this.#sender = null;
    return parcels.map(({ outcome }) => outcome).filter((outcome) => outcome !== null);
  }

  async #attempt(parcels: readonly Parcel[], { isAgain }: { isAgain: boolean }): Promise<void> {
    try {
      await this.#address(parcels);
      const topics = new Set(parcels.map(({ batch }) => batch.topic));
      const leaders = await this.#leadersOf(topics, { isAgain });
      await Promise.all(
        groups(parcels, leaders).map((group) => this.#send(group.node, group.parcels)),
      );
    } catch (error) {
      for (const parcel of parcels) fail(parcel, error);
    }
  }

  async #address(parcels: readonly Parcel[]): Promise<void> {
    for (const parcel of parcels) {
      if (parcel.sender !== null) continue;
      const sender = (this.#sender ??= {
        ...(await newProducerId(this.#lookUp)),
        sequences: new Map<string, number>(),
      });
      const key = `${parcel.batch.partition}:${parcel.batch.topic}`;
      parcel.sender = sender;
      parcel.sequence = sender.sequences.get(key) ?? 0;
      const next = (parcel.sequence + parcel.batch.messages.length) % sequenceCount;
      sender.sequences.set(key, next);
    }
  }

  async #leadersOf(
    topics: ReadonlySet<string>,
    { isAgain }: { isAgain: boolean },
  ): Promise<Leaders> {
    const atMs = performance.now();
    const last = this.#leaders;
    const knowsAll = [...topics].every((topic) => last?.topics.has(topic));
    if (last !== null && knowsAll && !isAgain && atMs - last.atMs < maxAgeMs) return last.known;
    // Of all that were ever sent to, so that two topics in turn are not asked for in turn.
    const wanted = new Set([...(last?.topics ?? []), ...topics]);
    const known = await partitionLeaders(this.#lookUp, [...wanted]);
    this.#leaders = { known, topics: wanted, atMs };
    return known;
  }

  async #send(node: Node, parcels: readonly Parcel[]): Promise<void> {
    const { client, compression } = this.#options;
    const { chooseApi } = this.#lookUp;
    const sender = parcels[0]?.sender;
    if (!sender) throw new Error("a parcel has a sender before it is sent");
    const over = new AbortController();
    try {
      const { connections } = client;
      const request = { ...sender, compression, batches: parcels };
      const { answers, abandon } = await sendBatches({ connections, chooseApi }, node, request);
      const moved = this.#whenLedElsewhere(node, { parcels, signal: over.signal });
      const answered = await Promise.race([answers, moved]);
      if (answered === "moved") {
        answers.catch(() => undefined);
        abandon();
      }
      for (const [at, parcel] of parcels.entries())
        settle(parcel, answered === "moved" ? null : (answered[at] ?? null));
    } catch (error) {
      for (const parcel of parcels) fail(parcel, error);
    } finally {
      over.abort();
    }
    // Whoever is not known any more is nobody the next batch should come from.
    if (parcels.some((parcel) => parcel.sender === null)) this.#sender = null;
  }

  /** Resolves once another leads one of the partitions than who was asked; who was asked may never answer. */
  async #whenLedElsewhere(
    asked: Node,
    { parcels, signal }: { parcels: readonly Parcel[]; signal: AbortSignal },
  ): Promise<"moved"> {
    const topics = new Set(parcels.map(({ batch }) => batch.topic));
    for (;;) {
      await new Promise((resolve) => setTimeout(resolve, lookEveryMs).unref());
      if (signal.aborted) return "moved";
      const leaders = await this.#leadersOf(topics, { isAgain: true }).catch(() => null);
      const now = parcels.map(({ batch }) => leaders?.of(batch.topic, batch.partition) ?? null);
      if (now.some((node) => node !== null && node.nodeId !== asked.nodeId)) return "moved";
    }
  }
}

const parcelOf = (batch: Batch): Parcel => ({
  batch,
  sender: null,
  sequence: 0,
  outcome: null,
  error: null,
  unknownSinceMs: null,
});

type Group = { readonly node: Node; readonly parcels: Parcel[] };

/** One request each: by who leads, and by whose they are. Those that nobody leads wait. */
function groups(parcels: readonly Parcel[], leaders: Leaders): Group[] {
  const found = new Map<string, Group>();
  for (const parcel of parcels) {
    const { topic, partition } = parcel.batch;
    const node = leaders.of(topic, partition);
    if (node === null) {
      fail(parcel, leaders.errorOf(topic) ?? new ProtocolError("LEADER_NOT_AVAILABLE"));
      continue;
    }
    const key = `${node.nodeId} ${parcel.sender?.producerId}`;
    const group = found.get(key) ?? { node, parcels: [] };
    found.set(key, group);
    group.parcels.push(parcel);
  }
  return [...found.values()];
}

const codes = { outOfOrder: 45, duplicate: 46, unknownProducer: 59 } as const;

/** `answer`: null if nobody said anything about it. */
function settle(parcel: Parcel, answer: ProduceAnswer | null): void {
  if (answer === null) return fail(parcel, new ProtocolError("NOT_LEADER_OR_FOLLOWER"));
  const { errorCode, message, offset } = answer;
  switch (errorCode) {
    case 0:
      parcel.outcome = { kind: "written", offset };
      return;
    case codes.duplicate:
      parcel.outcome = { kind: "written", offset: -1 };
      return;
    case codes.outOfOrder:
    case codes.unknownProducer:
      // What was written before is forgotten (retention, a recovery); this batch was not written, or it would be known.
      parcel.sender = null;
      return fail(parcel, new ProtocolError(errorCode, message, { canRetry: true }));
    default:
      return fail(parcel, new ProtocolError(errorCode, message));
  }
}

/** For this attempt, or for good. */
function fail(parcel: Parcel, error: unknown): void {
  const failure = toMyelinError(error, `Sending to ${parcel.batch.topic} failed`);
  parcel.error = failure;
  if (failure.code !== "UNKNOWN_TOPIC_OR_PARTITION") {
    parcel.unknownSinceMs = null;
    if (failure.retriable) return;
  } else {
    parcel.unknownSinceMs ??= performance.now();
    if (performance.now() - parcel.unknownSinceMs < unknownLimitMs) return;
  }
  parcel.outcome = { kind: "failed", error: failure };
}

function giveUp(parcels: readonly Parcel[], deadlineMs: number): void {
  if (performance.now() < deadlineMs) return;
  for (const parcel of parcels) {
    const { error, batch } = parcel;
    const failure = error ?? new MyelinError("TIMEOUT", `Sending to ${batch.topic} took too long`);
    parcel.outcome ??= { kind: "failed", error: failure };
  }
}
