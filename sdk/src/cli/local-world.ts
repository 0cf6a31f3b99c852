import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { createDirectoryObjectStore } from "../../../adapters/directory/object-store.ts";
import { startCompactionThread } from "../../../adapters/node/compaction-thread.ts";
import { createNodeClock } from "../../../adapters/node/clock.ts";
import { createNodeDisk } from "../../../adapters/node/disk.ts";
import { createNodeNetwork } from "../../../adapters/node/network.ts";
import { openFileLimit } from "../../../adapters/node/open-file-limit.ts";
import { createNodeRandom } from "../../../adapters/node/random.ts";
import { openSqliteMetadataLog } from "../../../adapters/sqlite/metadata-log.ts";
import type { CleaningAnswer, CleaningRequest } from "../../../broker/compaction/cleaning-desk.ts";
import { createCleaner } from "../../../broker/compaction/remote-cleaner.ts";
import type { BrokerConfig } from "../../../broker/config.ts";
import { defaultBrokerConfig } from "../../../broker/config.ts";
import type { LogOutput } from "../../../broker/log-output.ts";
import { defaultServerLimits } from "../../../broker/server/server-limits.ts";
import type { CellMetadataPorts } from "../local/cell-metadata.ts";
import type { NodePorts } from "../local/broker-node.ts";
import type { CellOptions } from "./cell-options.ts";
import { directoryOf, kafkaPortOf } from "./slots.ts";
import { version } from "./version.ts";

/** A cell's metadata in a directory of this machine, made if it is not there. */
export async function openCellMetadataPorts(data: string): Promise<CellMetadataPorts> {
  mkdirSync(data, { recursive: true });
  const clock = createNodeClock();
  return {
    clock,
    random: createNodeRandom(),
    objects: createDirectoryObjectStore(join(data, "objects")),
    metadataLog: await openSqliteMetadataLog(join(data, "metadata.db"), { clock, version: 1 }),
  };
}

export async function openNodePorts(data: string): Promise<NodePorts> {
  return {
    ...(await openCellMetadataPorts(data)),
    disk: createNodeDisk(),
    network: createNodeNetwork(),
    cleaner: createCleaner(() => startCompactionThread<CleaningRequest, CleaningAnswer>()),
  };
}

/** A broker of a cell on one machine. */
export function localBrokerConfig(
  options: CellOptions,
  { slot, zone }: { slot: number; zone: string },
): BrokerConfig {
  return {
    ...defaultBrokerConfig,
    directory: directoryOf(options, slot),
    listen: { host: options.host, port: kafkaPortOf(options, slot) },
    slot,
    zone,
    version,
    // On a laptop groups have few members and nobody wants to wait three seconds for the first message.
    groups: { initialRebalanceDelayMs: 0 },
    cell: { replacementDelayMs: options.replacementDelay },
    tiering: { isEager: false },
    log: options.hotMemory === undefined ? {} : { ringBytes: options.hotMemory },
  };
}

/** WAL files, indexes and what Node itself has open. */
const filesBesideConnections = 1_000;

/** Past the limit new connections are closed as they come, and nothing else says why. */
export function sayIfFilesAreFew(log: LogOutput): void {
  const limit = openFileLimit();
  const { maxConnections } = defaultServerLimits;
  if (limit === null || limit >= maxConnections + filesBesideConnections) return;
  log.warn(
    `Only ${limit} files and connections may be open at once, and ${maxConnections} clients may connect: raise the hard limit (ulimit -Hn) if as many will.`,
  );
}
