import { defaultBrokerConfig } from "../../../broker/config.ts";
import type { LogOutput } from "../../../broker/log-output.ts";
import { ensureCluster } from "../../../metadata/commands/cluster-commands.ts";
import type { Cluster } from "../../../metadata/image/image.ts";
import { patiently } from "../../../metadata/log/patience.ts";
import type { MetadataReplica } from "../../../metadata/log/replica.ts";
import { openMetadataReplica } from "../../../metadata/log/replica.ts";
import type { Clock } from "../../../ports/clock.ts";
import type { MetadataLog } from "../../../ports/metadata-log.ts";
import type { ObjectStore } from "../../../ports/object-store.ts";
import type { Random } from "../../../ports/random.ts";

/** What a process needs of the world to know its cell and to change it. */
export type CellMetadataPorts = {
  clock: Clock;
  random: Random;
  objects: ObjectStore;
  metadataLog: MetadataLog;
};

export type CellMetadataOptions = {
  ports: CellMetadataPorts;
  /** Name of the cluster that is there from the start. */
  clusterName: string;
  log: LogOutput;
  onFatal: (error: Error) => void;
};

/** A process's part in a cell on one machine: its copy of the metadata. Whoever comes first makes the cell and its first cluster. */
export type CellMetadata = {
  readonly replica: MetadataReplica;
  readonly cluster: Cluster;
  /** Closes the metadata log too. */
  close(): Promise<void>;
};

/** Of a cell on one machine, in its object store. */
export const { cellName } = defaultBrokerConfig;

export async function openCellMetadata({
  ports,
  clusterName,
  log,
  onFatal,
}: CellMetadataOptions): Promise<CellMetadata> {
  const { metadataLog, objects, clock, random } = ports;
  await using joining = new AsyncDisposableStack();
  joining.defer(() => metadataLog.close());
  const replica = await patiently({ clock, output: log }, () =>
    openMetadataReplica({
      log: metadataLog,
      objects,
      clock,
      random,
      output: log,
      cell: cellName,
      onStopped: onFatal,
    }),
  );
  joining.defer(() => replica.close());
  const cluster = await firstCluster(replica, clusterName);
  const joined = joining.move();
  return { replica, cluster, close: () => joined.disposeAsync() };
}

async function firstCluster(replica: MetadataReplica, name: string): Promise<Cluster> {
  const outcome = await replica.submit((image, context) => ensureCluster(image, { name }, context));
  if (outcome.kind === "rejected")
    throw new Error(`the cluster ${name} cannot be created: ${outcome.message}`);
  return outcome.result;
}
