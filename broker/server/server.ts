import type { Clock } from "../../ports/clock.ts";
import type { Address, Connection, Network } from "../../ports/network.ts";
import type { KafkaApi } from "../handlers/kafka-api.ts";
import type { LogOutput } from "../log-output.ts";
import { type ConnectionScope, KafkaConnection } from "./connection.ts";
import { FramePool } from "./frame-pool.ts";
import { createLogLimiter } from "./log-limiter.ts";
import { createScratch, type Scratch } from "./request-intake.ts";
import { defaultServerLimits, type ServerLimits } from "./server-limits.ts";
import { countClosed, createServerStatistics, type ServerStatistics } from "./server-statistics.ts";
import { watchIdle } from "./watch-idle.ts";

/** What all listeners of a broker share: memory, bounds and counts. */
export type ServerResources = {
  readonly limits: ServerLimits;
  readonly pool: FramePool;
  readonly scratch: Scratch;
  readonly statistics: ServerStatistics;
};

export function createServerResources(limits: Partial<ServerLimits> = {}): ServerResources {
  const all = { ...defaultServerLimits, ...limits };
  return {
    limits: all,
    pool: new FramePool(all),
    scratch: createScratch(all.scratchBytes),
    statistics: createServerStatistics(),
  };
}

export type ServerOptions<Services> = {
  readonly network: Network;
  readonly clock: Clock;
  readonly log: LogOutput;
  readonly address: Address;
  /** The cluster whose port this is. */
  readonly clusterId: string;
  /** As logs and metrics name it; the cluster's id by default. */
  readonly listener?: string;
  readonly apis: readonly KafkaApi<Services>[];
  readonly services: Services;
  /** Shared with other listeners; resources of its own by default. */
  readonly resources?: ServerResources;
};

export type KafkaServer = {
  readonly address: Address;
  readonly statistics: ServerStatistics;
  /** Stops accepting, answers what is in flight within the time given, then closes every connection. Resolves when all are gone. */
  close(options?: { readonly graceMs?: number }): Promise<void>;
};

const defaultGraceMs = 5_000;

/** Serves the Kafka protocol on one address. Rejects with NetworkError if it cannot be listened on. */
export async function startServer<Services>(
  options: ServerOptions<Services>,
): Promise<KafkaServer> {
  const { network, clock, log, resources = createServerResources() } = options;
  const connections = new Set<KafkaConnection<Services>>();
  const scope: ConnectionScope<Services> = {
    ...resources,
    services: options.services,
    clusterId: options.clusterId,
    listener: options.listener ?? options.clusterId,
    apis: new Map(options.apis.map((api) => [api.key, api])),
    clock,
    log,
    logLimiter: createLogLimiter(clock),
    coarseNowMs: clock.monotonicMs(),
    closed: (connection) => {
      connections.delete(connection);
      resources.statistics.connectionCount--;
    },
  };
  const listener = await network.listen(options.address, (socket) =>
    accept(socket, scope, connections),
  );
  const stopWatching = watchIdle(scope, connections);
  log.debug("listening for Kafka clients", { ...listener.address, listener: scope.listener });

  let closing: Promise<void> | null = null;
  return {
    address: listener.address,
    statistics: resources.statistics,
    close({ graceMs = defaultGraceMs } = {}) {
      closing ??= listener
        .close()
        .then(() => closeAll(connections, { clock, graceMs }))
        .finally(stopWatching);
      return closing;
    },
  };
}

function accept<Services>(
  socket: Connection,
  scope: ConnectionScope<Services>,
  connections: Set<KafkaConnection<Services>>,
): void {
  const { statistics, limits } = scope;
  if (statistics.connectionCount >= limits.maxConnections) {
    refuse(socket, scope);
    return;
  }
  statistics.connectionCount++;
  const connection = new KafkaConnection(statistics.acceptedCount++, socket, scope);
  connections.add(connection);
  socket.start(connection);
}

/** Resolves when every connection is gone: those in the middle of something as soon as they are through with it, at the latest when time is up. */
async function closeAll<Services>(
  connections: ReadonlySet<KafkaConnection<Services>>,
  { clock, graceMs }: { readonly clock: Clock; readonly graceMs: number },
): Promise<void> {
  const allClosed = Promise.all(
    [...connections].map(
      (connection) => new Promise<void>((resolve) => connection.onDisconnect(resolve)),
    ),
  );
  for (const connection of connections) connection.drain();
  const cancel = clock.after(graceMs, () => {
    for (const connection of connections) connection.destroy("stopped");
  });
  await allClosed;
  cancel();
}

function refuse<Services>(socket: Connection, scope: ConnectionScope<Services>): void {
  countClosed(scope.statistics, "limit");
  const due = scope.logLimiter("connection limit");
  if (due !== null) {
    scope.log.warn("connection refused: the broker has as many connections as it may", {
      listener: scope.listener,
      client: `${socket.remote.host}:${socket.remote.port}`,
      maxConnections: scope.limits.maxConnections,
      unsaidCount: due.unsaidCount,
    });
  }
  socket.destroy();
}
