import type { CellPorts } from "../../adapters/aws/cell-ports.ts";
import { protectTask } from "../../adapters/ecs/agent.ts";
import { createBusyShare } from "../../adapters/node/process-usage.ts";
import type { LoadSample } from "../../metadata/load/load-report.ts";
import type { Broker } from "../broker.ts";
import { cellHealthOf, emfLine } from "./emf.ts";
import type { BrokerEnvironment } from "./environment.ts";
import { createJsonLog } from "./json-log.ts";
import type { JsonLog } from "./json-log.ts";
import { loadCounters } from "./load-counters.ts";
import { startLoadReports } from "./load-report.ts";
import { startTaskProtection } from "./task-protection.ts";

export type Companions = {
  readonly broker: Broker;
  readonly zone: string;
  readonly ports: Pick<CellPorts, "clock" | "objects">;
  readonly log: JsonLog;
};

/** What runs beside a broker in a container: reports of its load, metrics, the protection of its task. The result stops it. */
export function startCompanions(
  environment: BrokerEnvironment,
  companions: Companions,
): () => Promise<void> {
  const { broker, zone, ports, log } = companions;
  const { brokerId, services } = broker;
  const { image } = services.metadata;
  const stopReports = startLoadReports({
    cell: environment.MYELIN_CELL,
    brokerId,
    zone,
    ...ports,
    image,
    counters: () => loadCounters(broker),
    busyShare: createBusyShare(),
    onSample: createMetricsLog(environment.MYELIN_CELL, companions),
    log,
  });
  const agentUri = environment.ECS_AGENT_URI;
  const stopProtection =
    agentUri === undefined
      ? async () => undefined
      : startTaskProtection({
          image,
          brokerId,
          clock: ports.clock,
          log,
          protect: (minutes) => protectTask(agentUri, minutes),
        });
  return async () => {
    await Promise.all([stopReports(), stopProtection()]);
  };
}

/** Metrics are lines of the log, whatever its level. */
function createMetricsLog(
  cell: string,
  { broker, zone }: Companions,
): (sample: LoadSample) => void {
  const metrics = createJsonLog({ level: "info", fields: {} });
  const { brokerId, services } = broker;
  let failuresBefore = failedRequests(broker);
  return (load) => {
    const failures = failedRequests(broker);
    const { image } = services.metadata;
    const line = emfLine(
      { cell, zone, brokerId },
      {
        load,
        failedRequests: failures - failuresBefore,
        logBytes: services.store.statistics().sizeOnDisk,
        cellHealth: image.controller.brokerId === brokerId ? cellHealthOf(image) : null,
      },
    );
    failuresBefore = failures;
    metrics.info("metrics", { ...line });
  };
}

function failedRequests({ listeners }: Broker): number {
  let count = 0;
  for (const { failureCount } of listeners.resources.statistics.apis.values())
    count += failureCount;
  return count;
}
