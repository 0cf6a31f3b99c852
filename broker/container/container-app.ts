import { Hono } from "hono";
import type { Image } from "../../metadata/image/image.ts";
import type { Broker } from "../broker.ts";
import { brokerHttp } from "../http/broker-http.ts";
import { healthRoutes } from "../http/metrics.ts";
import { notReady } from "../http/readiness.ts";

export type ContainerAppOptions = {
  readonly broker: Broker;
  readonly image: Image;
  /** Why a deployment should not go on to the next broker yet, or null. */
  readonly gate: () => string | null;
};

/**
 * What the broker of a container serves over HTTP. /readyz is the load balancer's check, and the container's too until it has been ready once: it waits
 * for the copies that deployments wait for. /healthz says that the process lives.
 */
export function containerApp({ broker, image, gate }: ContainerAppOptions): Hono {
  const state = () => image.brokers.get(broker.brokerId)?.state;
  return new Hono().route("/", brokerHttp(broker)).route(
    "/",
    healthRoutes(() => notReady(state()) ?? gate()),
  );
}
