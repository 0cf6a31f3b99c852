import { Hono } from "hono";
import { brokerHttp } from "../../../broker/http/broker-http.ts";
import { healthRoutes } from "../../../broker/http/metrics.ts";
import { notReady } from "../../../broker/http/readiness.ts";
import type { BrokerNode } from "./broker-node.ts";

/** What a broker in a process of its own serves over HTTP: what lives in brokers, and whether clients should be sent here. */
export function brokerNodeApp({ broker, replica }: BrokerNode): Hono {
  const app = new Hono();
  app.route("/", brokerHttp(broker));
  app.route(
    "/",
    healthRoutes(() => notReady(replica.image.brokers.get(broker.brokerId)?.state)),
  );
  return app;
}
