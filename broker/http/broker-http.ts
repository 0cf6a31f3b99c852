import { Hono } from "hono";
import type { Broker } from "../broker.ts";
import { logMetrics } from "./log-metrics.ts";
import { metricsRoutes } from "./metrics.ts";
import { partitionMetrics } from "./partition-metrics.ts";
import { serverMetrics } from "./server-metrics.ts";

/** What a broker serves over HTTP, to be mounted where the process listens: beside the control plane on a laptop, alone in a container. */
export function brokerHttp({ services, listeners }: Broker): Hono {
  const sources = [
    serverMetrics(listeners.resources),
    logMetrics(() => services.store.statistics()),
    partitionMetrics(services.topics),
  ];
  return new Hono().route("/", metricsRoutes(sources));
}
