import { Hono } from "hono";
import type { MetricSource } from "./metric.ts";
import { prometheusContentType, prometheusText } from "./prometheus-text.ts";

/** /metrics for Prometheus. */
export function metricsRoutes(sources: readonly MetricSource[]): Hono {
  return new Hono().get("/metrics", (context) =>
    context.text(prometheusText(sources.flatMap((read) => read())), 200, {
      "content-type": prometheusContentType,
    }),
  );
}

/**
 * /healthz says that the process lives, /readyz whether clients should be sent here; `notReady` says why not, or null. Where the control plane is
 * served by the same process, its own routes of these names stand instead.
 */
export function healthRoutes(notReady: () => string | null): Hono {
  return new Hono()
    .get("/healthz", (context) => context.json({ status: "ok" }))
    .get("/readyz", (context) => {
      const reason = notReady();
      return reason === null
        ? context.json({ status: "ready" })
        : context.json({ status: "not ready", reason }, 503);
    });
}
