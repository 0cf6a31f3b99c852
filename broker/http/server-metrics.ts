import type { FramePool } from "../server/frame-pool.ts";
import type { ServerResources } from "../server/server.ts";
import {
  type ApiStatistics,
  latencyBoundsMs,
  type ServerStatistics,
} from "../server/server-statistics.ts";
import type { Histogram, Metric, MetricSource } from "./metric.ts";

/** Requests, connections and frame memory. Kafka: kafka.network RequestMetrics, SocketServer, and kafka.server socket-server-metrics. */
export function serverMetrics({ statistics, pool }: ServerResources): MetricSource {
  return () => {
    const apis = [...statistics.apis.values()];
    return [
      ...requestCounts(apis),
      requestTimes(apis),
      ...connectionCounts(statistics),
      ...memoryUse(pool),
    ];
  };
}

type CountField = "requestCount" | "requestBytes" | "responseBytes" | "failureCount";

const countedPerApi: readonly { field: CountField; name: string; help: string }[] = [
  {
    field: "requestCount",
    name: "kafka_network_requestmetrics_requests_total",
    help: "Requests answered.",
  },
  {
    field: "requestBytes",
    name: "kafka_network_requestmetrics_request_bytes_total",
    help: "Bytes of requests, without their size field.",
  },
  {
    field: "responseBytes",
    name: "kafka_network_requestmetrics_response_bytes_total",
    help: "Bytes of responses, with their size field.",
  },
  {
    field: "failureCount",
    name: "kafka_network_requestmetrics_failures_total",
    help: "Requests whose handler failed unexpectedly: each is a bug and has a line in the log.",
  },
];

function requestCounts(apis: readonly ApiStatistics[]): Metric[] {
  return countedPerApi.map(({ field, name, help }) => ({
    name,
    help,
    type: "counter",
    samples: apis.map((api) => ({ labels: { request: api.name }, value: api[field] })),
  }));
}

function requestTimes(apis: readonly ApiStatistics[]): Histogram {
  return {
    name: "kafka_network_requestmetrics_total_time_ms",
    help: "From the last byte of a request until its response stands in line for the socket.",
    type: "histogram",
    bounds: latencyBoundsMs,
    series: apis.map(({ name, latencyCounts, latencySumMs }) => ({
      labels: { request: name },
      counts: latencyCounts,
      sum: latencySumMs,
    })),
  };
}

function connectionCounts(statistics: ServerStatistics): Metric[] {
  return [
    {
      name: "kafka_server_socketservermetrics_connection_count",
      help: "Open connections.",
      type: "gauge",
      samples: [{ value: statistics.connectionCount }],
    },
    {
      name: "kafka_server_socketservermetrics_connections_accepted_total",
      help: "Connections accepted.",
      type: "counter",
      samples: [{ value: statistics.acceptedCount }],
    },
    {
      name: "kafka_server_socketservermetrics_connections_closed_total",
      help: "Connections closed, by reason; peer is the ordinary end.",
      type: "counter",
      samples: [...statistics.closedCounts].map(([reason, value]) => ({
        labels: { reason },
        value,
      })),
    },
  ];
}

function memoryUse(pool: FramePool): Metric[] {
  return [
    {
      name: "kafka_network_socketserver_memory_pool_used_bytes",
      help: "Frame memory in use by requests.",
      type: "gauge",
      samples: [{ value: pool.lentBytes }],
    },
    {
      name: "kafka_network_socketserver_memory_pool_waiting",
      help: "Connections paused until there is frame memory.",
      type: "gauge",
      samples: [{ value: pool.waitingCount }],
    },
  ];
}
