import type { Clock } from "../../ports/clock.ts";
import type { RequestHead } from "../../protocol/api-frame.ts";
import { closeConnection, noResponse, type Reply } from "../handlers/kafka-api.ts";
import type { LogOutput } from "../log-output.ts";
import type { Exchange } from "./exchange.ts";
import type { LogLimiter } from "./log-limiter.ts";
import { apiStatistics, countLatency, type ServerStatistics } from "./server-statistics.ts";

/** Where a server tells what happens to requests. */
export type ReportScope = {
  readonly clock: Clock;
  readonly log: LogOutput;
  readonly logLimiter: LogLimiter;
  readonly statistics: ServerStatistics;
};

export function countAnswer(
  { statistics, clock }: ReportScope,
  { api, startedMs, requestBytes }: Exchange,
  reply: Reply,
): void {
  if (api === null) return;
  const counts = apiStatistics(statistics, api);
  counts.requestCount++;
  counts.requestBytes += requestBytes;
  if (reply !== noResponse && reply !== closeConnection) counts.responseBytes += reply.byteLength;
  countLatency(counts, clock.monotonicMs() - startedMs);
}

/** Clients that skip ApiVersions, or are pinned to an old version, only see disconnects: whoever runs the broker has to be told. */
export function reportUnsupported(
  { log, logLimiter }: ReportScope,
  { header, api }: RequestHead,
  fields: Record<string, unknown>,
): void {
  const { requestApiKey: key, requestApiVersion: version, clientId } = header;
  const due = logLimiter(`${key} ${version} ${clientId}`);
  if (due === null) return;
  log.warn("connection closed: the client sent a request that this broker does not serve", {
    ...fields,
    clientId,
    api: api?.name ?? "unknown",
    key,
    version,
    unsaidCount: due.unsaidCount,
  });
}
