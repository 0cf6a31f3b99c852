import { crc32 } from "node:zlib";
import { type ClusterClient, createClusterClient } from "../cell/cluster-client.ts";
import { idOf } from "./clients/lines.ts";
import { boundsOf, groupOffsets, OutOfRange, recordsFrom } from "./kafka-calls.ts";
import type { Ledger } from "./ledger.ts";
import type { Plan } from "./plan.ts";

export type AuditOptions = {
  readonly ledger: Ledger;
  readonly plan: Plan;
  readonly bootstrap: string;
  /** Groups that have members. */
  readonly groups: ReadonlySet<string>;
};

/** What the checker asks the brokers itself, and puts down in the ledger. */
export type Audit = {
  /** What every group has committed, where its coordinator answers now. */
  observe(): Promise<void>;
  /** Waits until every group has committed what there is; names those that stand still before. One whose readers are slowed down may lag. */
  drain(): Promise<string[]>;
  /** Every record of every partition. */
  readEverything(): Promise<void>;
  close(): Promise<void>;
};

const drainLimitMs = 120_000;
const answerLimitMs = 60_000;

export function createAudit(options: AuditOptions): Audit {
  const client = { bootstrap: options.bootstrap, clientId: "soak-checker" };
  const patient = createClusterClient({ ...client, limitMs: answerLimitMs });
  const brief = createClusterClient({ ...client, limitMs: 0 });
  return {
    observe: async () => {
      for (const group of options.groups) await observe(options, brief, group);
    },
    drain: () => drain(options, patient),
    async readEverything() {
      for (const { name } of options.plan.topics)
        for (const partition of partitionsOf(options.plan, name))
          await readPartition(options.ledger, patient, { topic: name, partition });
      options.ledger.conclude();
    },
    async close() {
      await patient.close();
      await brief.close();
    },
  };
}

async function observe(
  { ledger }: AuditOptions,
  client: ClusterClient,
  group: string,
): Promise<void> {
  const floors = ledger.floors(group);
  try {
    const places = await client.atCoordinator(group, (broker) => groupOffsets(broker, group));
    const told = new Set(places.map(({ topic, partition }) => `${topic}:${partition}`));
    for (const place of places) ledger.fetched(group, place, floors);
    for (const [key, floor] of floors)
      if (!told.has(key) && floor >= 0)
        ledger.fetched(group, { ...parted(key), offset: -1 }, floors);
  } catch {
    // It is down, or was killed in between: the next look will tell.
  }
}

async function drain(options: AuditOptions, client: ClusterClient): Promise<string[]> {
  const waiting = new Map(
    options.plan.readers
      .filter(({ group, rate }) => options.groups.has(group) && rate === 0)
      .map(({ group, topics }) => [group, topics]),
  );
  const deadline = performance.now() + drainLimitMs;
  /** A group that is slow is another matter than one that stands still: where it was at first tells them apart. */
  const first = new Map<string, Lags>();
  while (waiting.size > 0 && performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    for (const [group, topics] of waiting) {
      const lags = await lagsOf(options, client, { group, topics });
      if (!first.has(group)) first.set(group, lags);
      if (lags.size === 0) waiting.delete(group);
    }
  }
  const lagging = [...waiting].map(async ([group, topics]) => {
    const lags = await lagsOf(options, client, { group, topics });
    const before = first.get(group) ?? new Map();
    const still = [...lags].filter(([place, { offset }]) => before.get(place)?.offset === offset);
    return (
      `group ${group} still lags by ${sum(lags)} records ${drainLimitMs / 1000} s after the last was written, when it lagged by ${sum(before)}; ` +
      `${still.length} of ${lags.size} partitions have not moved since: ${still
        .slice(0, 5)
        .map(([place, { offset, lag }]) => `${place} at ${offset}, ${lag} to go`)
        .join("; ")}`
    );
  });
  return Promise.all(lagging);
}

/** Of the partitions that are not read to their end, by `topic:partition`. */
type Lags = ReadonlyMap<string, { readonly offset: number; readonly lag: number }>;

const sum = (lags: Lags): number => [...lags.values()].reduce((total, { lag }) => total + lag, 0);

async function lagsOf(
  { plan }: AuditOptions,
  client: ClusterClient,
  { group, topics }: { group: string; topics: readonly string[] },
): Promise<Lags> {
  const places = await client.atCoordinator(group, (broker) => groupOffsets(broker, group));
  const lags = new Map<string, { offset: number; lag: number }>();
  for (const topic of topics)
    for (const partition of partitionsOf(plan, topic)) {
      const ask = (broker: Parameters<typeof boundsOf>[0]) => boundsOf(broker, topic, partition);
      const { start, end } = await client.atLeader(topic, partition, ask);
      const found = places.find((each) => each.topic === topic && each.partition === partition);
      const lag = end - Math.max(found?.offset ?? 0, start);
      if (lag > 0) lags.set(`${topic}:${partition}`, { offset: found?.offset ?? -1, lag });
    }
  return lags;
}

async function readPartition(
  ledger: Ledger,
  client: ClusterClient,
  { topic, partition }: { topic: string; partition: number },
): Promise<void> {
  for (let next = 0; ;) {
    const bounds = await client.atLeader(topic, partition, (broker) =>
      boundsOf(broker, topic, partition),
    );
    ledger.bounds(topic, partition, bounds);
    next = Math.max(next, bounds.start);
    try {
      while (next < bounds.end) next = await readFrom(ledger, client, { topic, partition, next });
      return;
    } catch (error) {
      // Retention goes on while we read.
      if (!(error instanceof OutOfRange)) throw error;
    }
  }
}

async function readFrom(
  ledger: Ledger,
  client: ClusterClient,
  { topic, partition, next }: { topic: string; partition: number; next: number },
): Promise<number> {
  const place = { topic, partition, offset: next };
  const records = await client.atLeader(topic, partition, (broker) => recordsFrom(broker, place));
  let after = next;
  for (const { offset, value } of records) {
    const id = idOf(value.subarray(0, 40).toString("latin1"));
    ledger.stored({ topic, partition, offset, id, sum: crc32(value) });
    after = offset + 1;
  }
  if (after === next) throw new Error(`${topic}:${partition} shows nothing at ${next}`);
  return after;
}

function partitionsOf(plan: Plan, topic: string): number[] {
  const found = plan.topics.find(({ name }) => name === topic);
  return Array.from({ length: found?.partitions ?? 0 }, (_, index) => index);
}

function parted(key: string): { topic: string; partition: number } {
  const at = key.lastIndexOf(":");
  return { topic: key.slice(0, at), partition: Number(key.slice(at + 1)) };
}
