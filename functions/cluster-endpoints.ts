import type { Context } from "hono";
import type { Broker, Cluster, Image } from "../metadata/image/image.ts";
import type { ApiConfig } from "./api-context.ts";
import { originOf } from "./api-context.ts";

/** Clients need a few addresses to find the rest; more would only make the line long. */
const maxBootstrapServers = 6;

/** Until clients authenticate a port is a cluster: each broker serves it at its own port plus the cluster's offset (architecture 3.7). */
export function bootstrapServers(image: Image, cluster: Cluster, config: ApiConfig): string {
  const own = config.addressOf?.(cluster.clusterId);
  if (own !== null && own !== undefined) return hostAndPort(own.host, own.port);
  const brokers = [...image.brokers.values()].sort(byReadiness).slice(0, maxBootstrapServers);
  const addresses = brokers.length > 0 ? brokers : [config.kafka];
  return addresses.map(({ host, port }) => hostAndPort(host, port + cluster.portOffset)).join(",");
}

/** Where what lives in brokers is served: records, groups, lags, metrics. */
export function httpEndpoint({ httpEndpoint: endpoint }: ApiConfig, c: Context): string {
  return endpoint?.() ?? originOf(c);
}

function byReadiness(a: Broker, b: Broker): number {
  return rank(a) - rank(b) || a.brokerId - b.brokerId;
}

function rank(broker: Broker): number {
  switch (broker.state) {
    case "active":
      return 0;
    case "draining":
      return 1;
    case "fenced":
      return 2;
  }
}

function hostAndPort(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
