// What the server counts: plain numbers and arrays, so that counting costs nothing to speak of. /metrics reads them (broker/http/metrics.ts).

/** Upper bounds of the latency buckets; one more bucket takes the rest. */
export const latencyBoundsMs: readonly number[] = [
  0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000,
];

export type ApiStatistics = {
  readonly name: string;
  requestCount: number;
  requestBytes: number;
  responseBytes: number;
  /** Handlers that failed in a way nobody expected. */
  failureCount: number;
  /** From the request's last byte to its response standing in line for the socket. */
  latencySumMs: number;
  readonly latencyCounts: number[];
};

/** Why connections were closed; `peer` is the ordinary end. */
export type CloseReason =
  | "peer"
  | "idle"
  | "stalled"
  | "badRequest"
  | "unsupportedVersion"
  | "handler"
  | "failure"
  | "response"
  | "limit"
  | "stopped";

export type ServerStatistics = {
  readonly apis: Map<number, ApiStatistics>;
  connectionCount: number;
  acceptedCount: number;
  readonly closedCounts: Map<CloseReason, number>;
};

export function createServerStatistics(): ServerStatistics {
  return { apis: new Map(), connectionCount: 0, acceptedCount: 0, closedCounts: new Map() };
}

export function apiStatistics(
  statistics: ServerStatistics,
  { key, name }: { readonly key: number; readonly name: string },
): ApiStatistics {
  let found = statistics.apis.get(key);
  if (found === undefined) {
    found = {
      name,
      requestCount: 0,
      requestBytes: 0,
      responseBytes: 0,
      failureCount: 0,
      latencySumMs: 0,
      latencyCounts: Array.from({ length: latencyBoundsMs.length + 1 }, () => 0),
    };
    statistics.apis.set(key, found);
  }
  return found;
}

export function countLatency(statistics: ApiStatistics, latencyMs: number): void {
  let bucket = 0;
  while (bucket < latencyBoundsMs.length && latencyMs > (latencyBoundsMs[bucket] ?? 0)) bucket++;
  statistics.latencyCounts[bucket] = (statistics.latencyCounts[bucket] ?? 0) + 1;
  statistics.latencySumMs += latencyMs;
}

export function countClosed(statistics: ServerStatistics, reason: CloseReason): void {
  statistics.closedCounts.set(reason, (statistics.closedCounts.get(reason) ?? 0) + 1);
}
