import type { Broker, BrokerPorts } from "../../../broker/broker.ts";
import { createBroker } from "../../../broker/broker.ts";
import type { Cleaner } from "../../../broker/compaction/remote-cleaner.ts";
import type { BrokerConfig } from "../../../broker/config.ts";
import type { Disk } from "../../../ports/disk.ts";
import type { Network } from "../../../ports/network.ts";
import type { CellMetadata, CellMetadataOptions, CellMetadataPorts } from "./cell-metadata.ts";
import { openCellMetadata } from "./cell-metadata.ts";

/** The world a broker runs in: real for `myelin dev` and `myelin broker`, memory and a clock in the user's hand for the test broker. */
export type NodePorts = CellMetadataPorts & {
  disk: Disk;
  network: Network;
  /** Ends with the broker. */
  cleaner: Cleaner;
  /** Instead of every API there is. */
  apis?: NonNullable<BrokerPorts["apis"]>;
};

export type BrokerNodeOptions = CellMetadataOptions & {
  ports: NodePorts;
  broker: BrokerConfig;
  /** The cell sleeps: the process may close this broker and end. */
  onAsleep?: () => void;
};

/** One broker of a cell, with the copy of the metadata that its process keeps. */
export type BrokerNode = CellMetadata & { readonly broker: Broker };

export async function startBrokerNode(options: BrokerNodeOptions): Promise<BrokerNode> {
  const { ports, log, onFatal, onAsleep } = options;
  const member = await openCellMetadata(options);
  const { replica, cluster } = member;
  const brokerPorts: BrokerPorts = {
    clock: ports.clock,
    random: ports.random,
    disk: ports.disk,
    network: ports.network,
    metadata: replica,
    objects: ports.objects,
    cleaner: ports.cleaner,
    log,
    onFatal,
    ...(onAsleep === undefined ? {} : { onAsleep }),
    ...(ports.apis === undefined ? {} : { apis: ports.apis }),
  };
  try {
    const broker = await createBroker(brokerPorts, options.broker);
    return {
      broker,
      replica,
      cluster,
      async close() {
        await broker.close();
        await ports.cleaner.close();
        await member.close();
      },
    };
  } catch (error) {
    await member.close();
    throw error;
  }
}
