import { join } from "node:path";
import { createMemoryMetadataLog } from "../../adapters/memory/metadata-log.ts";
import { createMemoryObjectStore } from "../../adapters/memory/object-store.ts";
import { createNodeClock } from "../../adapters/node/clock.ts";
import { createNodeDisk } from "../../adapters/node/disk.ts";
import { createNodeNetwork } from "../../adapters/node/network.ts";
import { createNodeRandom } from "../../adapters/node/random.ts";
import type { Broker } from "../../broker/broker.ts";
import { createBroker } from "../../broker/broker.ts";
import { createCleaner, createInlinePlace } from "../../broker/compaction/remote-cleaner.ts";
import type { BrokerConfig } from "../../broker/config.ts";
import { defaultBrokerConfig } from "../../broker/config.ts";
import type { LogOutput } from "../../broker/log-output.ts";
import { ensureCluster } from "../../metadata/commands/cluster-commands.ts";
import type { MetadataReplica } from "../../metadata/log/replica.ts";
import { openMetadataReplica } from "../../metadata/log/replica.ts";
import type { RawClient } from "./raw-client.ts";
import { connectRawClient } from "./raw-client.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

/** A whole broker in this process, on a real port and a real disk. */
export type LiveBroker = {
  readonly broker: Broker;
  readonly metadata: MetadataReplica;
  readonly clusterId: string;
  connect(): Promise<RawClient>;
  close(): Promise<void>;
};

export async function startLiveBroker(options: {
  readonly log: LogOutput;
  readonly config?: Partial<BrokerConfig>;
  /** Settings of the cluster, as CreateTopics and clients meet them. */
  readonly defaults?: Record<string, string>;
}): Promise<LiveBroker> {
  const directory = temporaryDirectory();
  const clock = createNodeClock();
  const random = createNodeRandom();
  const network = createNodeNetwork();
  const disk = createNodeDisk();
  const { log } = options;
  const objects = createMemoryObjectStore();
  const metadata = await openMetadataReplica({
    log: createMemoryMetadataLog(),
    objects,
    clock,
    random,
    output: log,
    cell: "test",
  });
  const { defaults = {} } = options;
  const ensured = await metadata.submit((image, context) =>
    ensureCluster(image, { name: "default", defaults }, context),
  );
  if (ensured.kind === "rejected") throw new Error(ensured.message);
  const { clusterId } = ensured.result;
  const broker = await createBroker(
    {
      clock,
      random,
      disk,
      network,
      metadata,
      objects,
      cleaner: createCleaner(createInlinePlace),
      log,
      onFatal(error) {
        throw error;
      },
    },
    {
      ...defaultBrokerConfig,
      directory: join(directory.path, "broker-1"),
      listen: { host: "127.0.0.1", port: 0 },
      version: "0.0.0-test",
      stopTimeoutMs: 1_000,
      ...options.config,
    },
  );
  return {
    broker,
    metadata,
    clusterId,
    connect() {
      const address = broker.address(clusterId);
      if (address === null) throw new Error("the broker does not listen");
      return connectRawClient(network, address);
    },
    async close() {
      await broker.close();
      await metadata.close();
      await disk.close();
      directory[Symbol.dispose]();
    },
  };
}
