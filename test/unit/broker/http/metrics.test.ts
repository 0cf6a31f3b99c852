import { expect, test } from "vitest";
import { healthRoutes, metricsRoutes } from "../../../../broker/http/metrics.ts";
import type { MetricSource } from "../../../../broker/http/metric.ts";
import { prometheusText } from "../../../../broker/http/prometheus-text.ts";
import { serverMetrics } from "../../../../broker/http/server-metrics.ts";
import { createServerResources } from "../../../../broker/server/server.ts";
import {
  apiStatistics,
  countClosed,
  countLatency,
} from "../../../../broker/server/server-statistics.ts";

test("the server's counts are shown by API", async () => {
  const resources = createServerResources();
  const counts = apiStatistics(resources.statistics, { key: 0, name: "Produce" });
  counts.requestCount = 3;
  counts.requestBytes = 500;
  for (const latencyMs of [0.1, 3, 100_000]) countLatency(counts, latencyMs);
  countClosed(resources.statistics, "idle");
  const response = await metricsRoutes([serverMetrics(resources)]).request("/metrics");
  expect(response.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
  const lines = (await response.text()).split("\n");
  for (const expected of [
    "# TYPE kafka_network_requestmetrics_requests_total counter",
    'kafka_network_requestmetrics_requests_total{request="Produce"} 3',
    'kafka_network_requestmetrics_request_bytes_total{request="Produce"} 500',
    'kafka_network_requestmetrics_total_time_ms_bucket{request="Produce",le="0.25"} 1',
    'kafka_network_requestmetrics_total_time_ms_bucket{request="Produce",le="5"} 2',
    'kafka_network_requestmetrics_total_time_ms_bucket{request="Produce",le="30000"} 2',
    'kafka_network_requestmetrics_total_time_ms_bucket{request="Produce",le="+Inf"} 3',
    'kafka_network_requestmetrics_total_time_ms_sum{request="Produce"} 100003.1',
    'kafka_network_requestmetrics_total_time_ms_count{request="Produce"} 3',
    'kafka_server_socketservermetrics_connections_closed_total{reason="idle"} 1',
    "kafka_server_socketservermetrics_connection_count 0",
  ]) {
    expect(lines).toContain(expected);
  }
  expect(lines.at(-1)).toBe("");
});

test("label values and help texts are escaped", () => {
  const source: MetricSource = () => [
    {
      name: "m",
      help: "a\nb\\",
      type: "gauge",
      samples: [{ labels: { topic: 'q"\\\n' }, value: Infinity }],
    },
  ];
  expect(prometheusText(source())).toBe(
    '# HELP m a\\nb\\\\\n# TYPE m gauge\nm{topic="q\\"\\\\\\n"} +Inf\n',
  );
});

test("readiness says why a broker is not ready", async () => {
  let reason: string | null = "replaying the log";
  const routes = healthRoutes(() => reason);
  const notReady = await routes.request("/readyz");
  expect(notReady.status).toBe(503);
  expect(await notReady.json()).toEqual({ status: "not ready", reason });
  expect((await routes.request("/healthz")).status).toBe(200);
  reason = null;
  expect((await routes.request("/readyz")).status).toBe(200);
});
