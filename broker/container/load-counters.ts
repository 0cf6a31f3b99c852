import type { Broker } from "../broker.ts";

/** What the broker has counted since its start. */
export type LoadCounters = {
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly clientBytes: number;
  readonly connectionCount: number;
};

export function loadCounters({ services, listeners }: Broker): LoadCounters {
  const { statistics } = listeners.resources;
  let bytesOut = 0;
  for (const { responseBytes } of statistics.apis.values()) bytesOut += responseBytes;
  let clientBytes = 0;
  for (const partition of services.topics.held())
    clientBytes += partition.bytesIn + partition.bytesOut;
  return {
    bytesIn: services.store.statistics().appendedBytes,
    bytesOut,
    clientBytes,
    connectionCount: statistics.connectionCount,
  };
}
