// A broker in a process of its own, over the disk and a directory as object store, near or at a distance; tells over IPC what it asked of the store and what
// became of its topics. Started by cold-broker.ts.
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createDirectoryObjectStore } from "../../adapters/directory/object-store.ts";
import { createNodeClock } from "../../adapters/node/clock.ts";
import { startCompactionThread } from "../../adapters/node/compaction-thread.ts";
import { createNodeDisk } from "../../adapters/node/disk.ts";
import { createNodeNetwork } from "../../adapters/node/network.ts";
import { createNodeRandom } from "../../adapters/node/random.ts";
import { openSqliteMetadataLog } from "../../adapters/sqlite/metadata-log.ts";
import { createBroker } from "../../broker/broker.ts";
import { defaultPackingConfig } from "../../broker/cold/start-packing.ts";
import type { CleaningAnswer, CleaningRequest } from "../../broker/compaction/cleaning-desk.ts";
import { createCleaner, type Cleaner } from "../../broker/compaction/remote-cleaner.ts";
import { defaultBrokerConfig } from "../../broker/config.ts";
import type { LogOutput } from "../../broker/log-output.ts";
import { ensureCluster } from "../../metadata/commands/cluster-commands.ts";
import { createTopic } from "../../metadata/commands/create-topics.ts";
import { openMetadataReplica } from "../../metadata/log/replica.ts";
import type { Answer, Question, Run, TopicState } from "./cold-broker.ts";
import { atDistance, farAway, meter } from "./metered-store.ts";

const { values } = parseArgs({
  options: {
    data: { type: "string", default: "" },
    far: { type: "boolean", default: false },
    tiered: { type: "boolean", default: false },
    budget: { type: "string", default: "0" },
    age: { type: "string", default: "3600000" },
    ephemeral: { type: "boolean", default: false },
    "pack-every": { type: "string", default: `${defaultPackingConfig.intervalMs}` },
  },
});

const never = 2 ** 31 - 1;
const directory = createDirectoryObjectStore(join(values.data, "objects"));
const { objects, figures } = meter(values.far ? atDistance(directory, farAway) : directory);
const [clock, random, network] = [createNodeClock(), createNodeRandom(), createNodeNetwork()];
const runs: Run[] = [];
let beganMs = 0;
// Where disks are lost each partition says so.
const say = values.ephemeral
  ? () => undefined
  : (message: string, fields?: object) => console.error(message, fields);
const log: LogOutput = {
  debug: () => undefined,
  info(message, fields) {
    if (message !== "a partition was compacted") return;
    const { bytesRead, bytesKept } = fields as { bytesRead: number; bytesKept: number };
    runs.push({ seconds: (performance.now() - beganMs) / 1_000, bytesRead, bytesKept });
  },
  warn: say,
  error: say,
};
const thread = createCleaner(() => startCompactionThread<CleaningRequest, CleaningAnswer>());
const cleaner: Cleaner = {
  start(job) {
    beganMs = performance.now();
    return thread.start(job);
  },
  close: () => thread.close(),
};
const metadata = await openMetadataReplica({
  log: await openSqliteMetadataLog(join(values.data, "metadata.db"), { clock, version: 1 }),
  objects,
  clock,
  random,
  output: log,
  cell: "bench",
});
const ensured = await metadata.submit((image, context) =>
  ensureCluster(image, { name: "default" }, context),
);
if (ensured.kind === "rejected") throw new Error(ensured.message);
const { clusterId } = ensured.result;
const onFatal = (error: Error): never => {
  throw error;
};
const broker = await createBroker(
  { clock, random, network, disk: createNodeDisk(), metadata, objects, cleaner, log, onFatal },
  {
    ...defaultBrokerConfig,
    cellName: "bench",
    directory: join(values.data, "broker-1"),
    listen: { host: "127.0.0.1", port: 0 },
    version: "bench",
    tiering: {
      localBudgetBytes: Number(values.budget),
      maxAgeMs: Number(values.age),
      ...(values.tiered ? {} : { checkMs: never }),
    },
    compaction: { checkMs: values.tiered ? 1_000 : never },
    packing: values.tiered
      ? { ...defaultPackingConfig, intervalMs: Number(values["pack-every"]) }
      : null,
    isEphemeral: values.ephemeral,
    // Whoever measures has taken the disk away for good.
    cell: { lostDelayMs: 0 },
  },
);
const { topics, tierWriter } = broker.services;
function stateOf(name: string): TopicState[] {
  const partitions = topics.byName(clusterId, name)?.partitions ?? [];
  return partitions.flatMap((partition) => {
    if (partition === undefined) return [];
    const { highWatermark, localStartOffset } = partition.log;
    const { cleanedTo = 0 } = tierWriter.known(partition) ?? {};
    return [{ highWatermark, localStartOffset, tieredEnd: partition.tieredEnd, cleanedTo }];
  });
}

/** Clients are served with what was written to it. */
function servedCount(): number {
  let count = 0;
  for (const {
    isLeader,
    log: { highWatermark },
  } of topics.held())
    if (isLeader && highWatermark > 0) count += 1;
  return count;
}

async function answer(question: Question): Promise<Answer> {
  if (question.kind === "create") {
    const { topic } = question;
    const created = await metadata.submit((image, context) =>
      createTopic(image, { clusterId, topic }, context),
    );
    if (created.kind === "rejected") throw new Error(created.message);
  }
  const states = question.kind === "state" ? stateOf(question.topic) : [];
  const served = question.kind === "served" ? servedCount() : 0;
  return { port: broker.address(clusterId)?.port ?? 0, figures, runs, states, served };
}

process.on("message", (question: Question) => {
  void answer(question).then((told) => process.send?.(told));
});
process.on("disconnect", () => process.exit());
process.send?.(await answer({ kind: "figures" }));
