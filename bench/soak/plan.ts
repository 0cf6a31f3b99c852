import type { Compression } from "./clients/options.ts";
import type { ProgramName } from "./programs.ts";

export type TopicPlan = {
  readonly name: string;
  readonly partitions: number;
  readonly configs: Readonly<Record<string, string>>;
};

export type WriterPlan = {
  readonly program: ProgramName;
  readonly topics: readonly string[];
  readonly compression: Compression;
  /** Records a second. */
  readonly rate: number;
  /** Smallest and largest value. */
  readonly bytes: readonly [number, number];
  /** Whether the client promises that nothing is written twice, or out of order. */
  readonly isIdempotent: boolean;
};

export type ReaderPlan = {
  readonly program: ProgramName;
  readonly topics: readonly string[];
  /** Empty: no group. */
  readonly group: string;
  readonly members: number;
  /** Records a second at most; 0 for no limit. */
  readonly rate: number;
};

export type Plan = {
  readonly topics: readonly TopicPlan[];
  readonly writers: readonly WriterPlan[];
  readonly readers: readonly ReaderPlan[];
};

const topic = (name: string, partitions: number, configs: Record<string, string>): TopicPlan => ({
  name,
  partitions,
  configs: { "retention.ms": "-1", ...configs },
});
const replicated = { durability: "replicated" };
const flushed = { durability: "fsync" };

const topics: readonly TopicPlan[] = [
  topic("one", 1, replicated),
  topic("one-flushed", 1, flushed),
  topic("twelve", 12, replicated),
  topic("twelve-flushed", 12, flushed),
  topic("hundred", 100, replicated),
  topic("hundred-flushed", 100, flushed),
  // Forgets its oldest records, so that files of the log are reclaimed, and what else lives in them is moved, while all this runs.
  topic("forgetful", 4, { ...replicated, "retention.bytes": "2000000" }),
];

const small = [100, 1_000] as const;

/** Every client there is, twenty processes: some 2,000 records and 2 MB a second at rate 1. */
export const fullPlan: Plan = {
  topics,
  writers: [
    writer("librdkafka", ["hundred", "twelve-flushed"], { compression: "lz4", rate: 400 }),
    writer("java", ["twelve", "hundred-flushed"], { compression: "none", rate: 400 }),
    writer("franz", ["one", "hundred-flushed"], { compression: "zstd", rate: 400 }),
    writer("sdk", ["one", "hundred", "one-flushed"], { compression: "zstd", rate: 200 }),
    writer("sdk", ["twelve-flushed"], { rate: 0.5, bytes: [100_000, 900_000] }),
    writer("kafkajs", ["twelve"], { compression: "gzip", rate: 100, isIdempotent: false }),
    writer("platformatic", ["hundred-flushed", "one-flushed"], {
      compression: "snappy",
      rate: 100,
      isIdempotent: false,
    }),
    writer("librdkafka", ["forgetful"], { rate: 400, bytes: [1_000, 3_000] }),
  ],
  readers: [
    reader("librdkafka", ["hundred"], { group: "librdkafka", members: 2 }),
    reader("java", ["one", "twelve"], { group: "java", members: 2 }),
    reader("franz", ["hundred-flushed"], { group: "franz", members: 2 }),
    reader("sdk", ["twelve-flushed", "hundred"], { group: "sdk", members: 2 }),
    // KafkaJS reads gzip and nothing else without a plug-in: nobody compresses otherwise into this topic.
    reader("kafkajs", ["twelve"], { group: "kafkajs", members: 2 }),
    reader("platformatic", ["one-flushed"], { group: "platformatic", members: 1 }),
    reader("sdk", ["hundred", "forgetful"], { group: "laggard", members: 1, rate: 60 }),
    reader("sdk", ["one", "twelve-flushed"], { rate: 1_000 }),
  ],
};

/** What needs nothing but npm, for CI: a few hundred records a second. */
export const shortPlan: Plan = {
  topics,
  writers: [
    writer("sdk", ["twelve", "hundred", "one-flushed"], { compression: "zstd", rate: 150 }),
    writer("kafkajs", ["one", "twelve-flushed"], {
      compression: "gzip",
      rate: 50,
      isIdempotent: false,
    }),
    writer("platformatic", ["hundred-flushed", "forgetful"], {
      compression: "snappy",
      rate: 50,
      bytes: [100, 20_000],
      isIdempotent: false,
    }),
  ],
  readers: [
    reader("sdk", ["twelve", "one-flushed"], { group: "sdk", members: 2 }),
    reader("kafkajs", ["twelve-flushed"], { group: "kafkajs", members: 1 }),
    reader("platformatic", ["hundred-flushed"], { group: "platformatic", members: 1 }),
  ],
};

/** Of three brokers in CI: few partitions, so that each is written to all the time. */
export const cellPlan: Plan = {
  topics: topics.filter(({ name }) => !name.startsWith("hundred")),
  writers: [
    writer("sdk", ["twelve", "one-flushed"], { compression: "zstd", rate: 100 }),
    writer("kafkajs", ["one", "twelve-flushed"], {
      compression: "gzip",
      rate: 50,
      isIdempotent: false,
    }),
    writer("platformatic", ["forgetful"], {
      compression: "snappy",
      rate: 30,
      bytes: [100, 20_000],
      isIdempotent: false,
    }),
  ],
  readers: [
    reader("sdk", ["twelve", "one-flushed"], { group: "sdk", members: 2 }),
    reader("kafkajs", ["twelve-flushed"], { group: "kafkajs", members: 1 }),
  ],
};

function writer(
  program: ProgramName,
  to: readonly string[],
  options: Partial<WriterPlan> & { rate: number },
): WriterPlan {
  return { program, topics: to, compression: "none", bytes: small, isIdempotent: true, ...options };
}

function reader(
  program: ProgramName,
  of: readonly string[],
  options: Partial<ReaderPlan>,
): ReaderPlan {
  return { program, topics: of, group: "", members: 1, rate: 0, ...options };
}
