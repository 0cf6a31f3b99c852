import type { OpenAPIHono } from "@hono/zod-openapi";
import type { Hono } from "hono";
import type { Clock } from "../ports/clock.ts";
import type { Random } from "../ports/random.ts";
import { newRoutes } from "./api-context.ts";
import type { ApiConfig, ApiContext, ApiReplica, Log, Routes } from "./api-context.ts";
import { installedDocsAssets } from "./docs-assets.ts";
import type { DocsAssets } from "./docs-assets.ts";
import { missingRoute } from "./missing-route.ts";
import { problemReply } from "./reply-problem.ts";
import { boundedBody, requestGate } from "./request-gate.ts";
import { brokerReplicaRoutes } from "./routes/broker-replicas.ts";
import { brokerDrainRoutes } from "./routes/broker-drain.ts";
import { brokerRemovalRoutes } from "./routes/broker-removal.ts";
import { brokerRoutes } from "./routes/brokers.ts";
import { cellBrokerRoutes } from "./routes/cell-brokers.ts";
import { cellSleepRoutes } from "./routes/cell-sleep.ts";
import { cellRoutes } from "./routes/cell.ts";
import { clusterRoutes } from "./routes/clusters.ts";
import { docsRoutes } from "./routes/docs.ts";
import { elsewhereRoutes } from "./routes/elsewhere.ts";
import { healthRoutes } from "./routes/health.ts";
import { kafkaClusterRoutes } from "./routes/kafka-clusters.ts";
import { moveRoutes } from "./routes/moves.ts";
import { operationCancelRoutes } from "./routes/operation-cancel.ts";
import { operationRoutes } from "./routes/operations.ts";
import { partitionRoutes } from "./routes/partitions.ts";
import { reassignmentRoutes } from "./routes/reassignments.ts";
import { topicConfigRoutes } from "./routes/topic-configs.ts";
import { topicRoutes } from "./routes/topics.ts";

export type ApiOptions = {
  replica: ApiReplica;
  clock: Clock;
  random: Random;
  config: ApiConfig;
  log?: Log;
  /** The reference page's files; by default those installed beside this code. */
  docsAssets?: DocsAssets;
  /**
   * Routes of the brokers (records, groups, lags, /metrics) where one process serves both: they answer what would otherwise be told to be elsewhere,
   * get request ids and problems like the rest, and bound their bodies themselves.
   */
  brokerRoutes?: Hono | OpenAPIHono;
};

const silent: Log = { debug() {}, info() {}, warn() {}, error() {} };

/** The control plane's HTTP API. It reads and appends the metadata log and talks to no broker. */
export function createApi(options: ApiOptions): Routes {
  const { replica, clock, random, config, log = silent } = options;
  const docsAssets = options.docsAssets ?? installedDocsAssets();
  const api: ApiContext = { replica, clock, random, config, log, docsAssets };
  const app = newRoutes();
  app.onError(problemReply(log));
  app.use(requestGate({ clock, random, log }));
  if (options.brokerRoutes !== undefined) app.route("/", options.brokerRoutes as Hono);
  app.use(boundedBody());
  for (const routes of [
    clusterRoutes(api),
    kafkaClusterRoutes(api),
    topicRoutes(api),
    topicConfigRoutes(api),
    partitionRoutes(api),
    reassignmentRoutes(api),
    brokerRoutes(api),
    brokerReplicaRoutes(api),
    elsewhereRoutes(api, { isListed: options.brokerRoutes === undefined }),
    cellRoutes(api),
    cellSleepRoutes(api),
    cellBrokerRoutes(api),
    brokerDrainRoutes(api),
    brokerRemovalRoutes(api),
    moveRoutes(api),
    operationRoutes(api),
    operationCancelRoutes(api),
    healthRoutes(api),
  ]) {
    app.route("/", routes);
  }
  app.route("/", docsRoutes(api, app));
  app.notFound(missingRoute(app));
  return app;
}
