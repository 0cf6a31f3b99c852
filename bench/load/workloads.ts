import type { Durability } from "./target.ts";

type Common = {
  readonly name: string;
  readonly title: string;
  readonly partitions: number;
  readonly recordBytes: number;
  readonly durability: Durability;
};

/** As fast as the broker takes it. `recordsPerBatch` records of a row go to one partition, in one batch. */
export type ProduceWorkload = Common & {
  readonly kind: "produce";
  readonly client: "librdkafka" | "wire" | "java";
  readonly recordsPerBatch: number;
};

/** As fast as the broker gives it, from the beginning and over again. */
export type FetchWorkload = Common & {
  readonly kind: "fetch";
  readonly client: "librdkafka" | "wire" | "java";
  readonly consumers: number;
  /** How much the topic holds. */
  readonly storedMb: number;
  /** hot: what was written last. lagging: behind by far more than any memory of the broker's own; cold: and the page cache emptied. */
  readonly where: "hot" | "lagging" | "cold";
};

/** Open loop at a fixed rate; see the clients for how latency is counted. */
export type LatencyWorkload = Common & {
  readonly kind: "latency";
  /** librdkafka: acknowledgement and end to end, batched as its linger says. wire: acknowledgement, batches of `recordsPerBatch`. */
  readonly client: "librdkafka" | "wire";
  readonly recordsPerSecond: number;
  readonly recordsPerBatch: number;
  readonly lingerMs: number;
  readonly consumers: number;
};

export type Workload = ProduceWorkload | FetchWorkload | LatencyWorkload;

const megabyte = 1_000_000;
const produce = (
  name: string,
  title: string,
  rest: Partial<ProduceWorkload> & { recordBytes: number },
): ProduceWorkload => ({
  kind: "produce",
  name,
  title,
  client: "librdkafka",
  partitions: 4,
  durability: "replicated",
  // Just under the largest batch that Kafka takes by default (1,048,588 bytes), and librdkafka's own limit of records.
  recordsPerBatch: Math.min(10_000, Math.floor(megabyte / (rest.recordBytes + 20))),
  ...rest,
});

const fetch = (name: string, title: string, rest: Partial<FetchWorkload> = {}): FetchWorkload => ({
  kind: "fetch",
  name,
  title,
  client: "librdkafka",
  partitions: 4,
  recordBytes: 1000,
  durability: "replicated",
  consumers: 1,
  // Less than any memory that a broker keeps of its newest records.
  storedMb: 96,
  where: "hot",
  ...rest,
});

const latency = (
  name: string,
  title: string,
  rest: Partial<LatencyWorkload> & { recordsPerSecond: number },
): LatencyWorkload => ({
  kind: "latency",
  name,
  title,
  client: "librdkafka",
  partitions: 4,
  recordBytes: 1000,
  durability: "replicated",
  recordsPerBatch: 1,
  lingerMs: 0,
  consumers: 1,
  ...rest,
});

export const workloads: readonly Workload[] = [
  produce("produce-100b", "produce 100 B, large batches", { recordBytes: 100 }),
  produce("produce-1k", "produce 1 KB, large batches", { recordBytes: 1000 }),
  produce("produce-10k", "produce 10 KB, large batches", { recordBytes: 10_000 }),
  produce("produce-1k-wire", "produce 1 KB, large batches, wire client", {
    recordBytes: 1000,
    client: "wire",
  }),
  produce("produce-1k-java", "produce 1 KB, Java's ProducerPerformance", {
    recordBytes: 1000,
    client: "java",
  }),
  produce("produce-100b-small", "produce 100 B, batches of 20", {
    recordBytes: 100,
    recordsPerBatch: 20,
  }),
  produce("produce-1k-small", "produce 1 KB, batches of 20", {
    recordBytes: 1000,
    recordsPerBatch: 20,
  }),
  produce("produce-100b-small-wire", "produce 100 B, batches of 20, wire client", {
    recordBytes: 100,
    recordsPerBatch: 20,
    client: "wire",
  }),
  produce("produce-1k-p1", "produce 1 KB, 1 partition", { recordBytes: 1000, partitions: 1 }),
  produce("produce-1k-p100", "produce 1 KB, 100 partitions, 64 KB batches", {
    recordBytes: 1000,
    partitions: 100,
    recordsPerBatch: 64,
  }),
  produce("produce-1k-p1000", "produce 1 KB, 1,000 partitions, 64 KB batches", {
    recordBytes: 1000,
    partitions: 1000,
    recordsPerBatch: 64,
  }),
  produce("produce-1k-fsync", "produce 1 KB, large batches, flushed", {
    recordBytes: 1000,
    durability: "fsync",
  }),
  produce("produce-1k-p100-fsync", "produce 1 KB, 100 partitions, 64 KB batches, flushed", {
    recordBytes: 1000,
    partitions: 100,
    recordsPerBatch: 64,
    durability: "fsync",
  }),
  produce("produce-100b-small-fsync", "produce 100 B, batches of 20, flushed", {
    recordBytes: 100,
    recordsPerBatch: 20,
    durability: "fsync",
  }),
  fetch("fetch-hot", "fetch 1 KB, hot"),
  fetch("fetch-hot-wire", "fetch 1 KB, hot, wire client", { client: "wire", consumers: 4 }),
  fetch("fetch-hot-java", "fetch 1 KB, Java's ConsumerPerformance", {
    client: "java",
    storedMb: 3000,
    where: "lagging",
  }),
  fetch("fetch-lagging", "fetch 1 KB, long gone from memory, in page cache", {
    storedMb: 2500,
    where: "lagging",
  }),
  fetch("fetch-cold", "fetch 1 KB, from disk", { storedMb: 2500, where: "cold" }),
  fetch("fetch-100-consumers", "fetch 1 KB, 100 consumers of one topic", {
    client: "wire",
    consumers: 100,
  }),
  latency("latency-1k", "1 KB, 1,000 records/s, unbatched", { recordsPerSecond: 1000 }),
  latency("latency-10k", "1 KB, 10,000 records/s, linger 5 ms", {
    recordsPerSecond: 10_000,
    lingerMs: 5,
  }),
  latency("latency-50k", "1 KB, 50,000 records/s, linger 5 ms", {
    recordsPerSecond: 50_000,
    lingerMs: 5,
  }),
  latency("latency-requests-2k", "2,000 requests/s of 20 x 100 B, wire client", {
    client: "wire",
    recordBytes: 100,
    recordsPerSecond: 40_000,
    recordsPerBatch: 20,
    consumers: 0,
  }),
  latency("latency-requests-10k", "10,000 requests/s of 20 x 100 B, wire client", {
    client: "wire",
    recordBytes: 100,
    recordsPerSecond: 200_000,
    recordsPerBatch: 20,
    consumers: 0,
  }),
  latency("latency-1k-fsync", "1 KB, 1,000 records/s, unbatched, flushed", {
    recordsPerSecond: 1000,
    durability: "fsync",
  }),
];

/** The workloads whose names match one of the patterns (a * stands for anything), in the table's order; throws if a pattern matches none. */
export function chooseWorkloads(patterns: readonly string[]): Workload[] {
  const expressions = patterns.map((pattern) => {
    const expression = new RegExp(`^${pattern.replaceAll("*", ".*")}$`);
    if (!workloads.some(({ name }) => expression.test(name)))
      throw new Error(`no workload is called ${pattern}; --list names them`);
    return expression;
  });
  return workloads.filter(({ name }) => expressions.some((each) => each.test(name)));
}
