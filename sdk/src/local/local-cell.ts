import { setImmediate } from "node:timers/promises";
import type { createApi } from "../../../functions/api.ts";
import type { BrokerNode, BrokerNodeOptions } from "./broker-node.ts";
import { startBrokerNode } from "./broker-node.ts";

/** A whole cell in one process: one broker, and the control plane's app over the same copy of the metadata. */
export type LocalCell = BrokerNode & {
  /** The HTTP API, with what brokers serve beside it; to be served where the caller wants it. */
  readonly app: ReturnType<typeof createApi>;
};

export async function startLocalCell(options: BrokerNodeOptions): Promise<LocalCell> {
  const node = await startBrokerNode(options);
  try {
    return { ...node, app: await loadApp(node, options) };
  } catch (error) {
    await node.close();
    throw error;
  }
}

/** Loaded when the broker answers already: Kafka's clients need not wait for schemas and routes, which take half as long again as the broker. */
async function loadApp(
  { broker, replica, cluster }: BrokerNode,
  { ports, log, broker: config }: BrokerNodeOptions,
): Promise<LocalCell["app"]> {
  // A turn of the event loop each to accept, to read and to answer whoever was waiting for the broker.
  for (let turns = 0; turns < 3; turns++) await setImmediate();
  const [api, { brokerHttp }] = await Promise.all([
    import("../../../functions/api.ts"),
    import("../../../broker/http/broker-http.ts"),
  ]);
  return api.createApi({
    replica,
    clock: ports.clock,
    random: ports.random,
    log,
    config: {
      version: config.version,
      kafka: broker.address(cluster.clusterId) ?? config.listen,
      httpEndpoint: null,
    },
    brokerRoutes: brokerHttp(broker),
  });
}
