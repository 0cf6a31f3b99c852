// What broker/main.ts listens on. The numbers are told to it by its environment, so this is where they are decided.

/** Kafka, of the cluster with port offset 0. */
export const kafkaPort = 9092;
/** /metrics, /healthz, /readyz, and what of the HTTP API lives in brokers. */
export const brokerHttpPort = 9640;
/** Until clients authenticate, each further cluster has a port of its own so much higher. */
const clusterPortStep = 100;
/**
 * Clusters that the bootstrap load balancer serves: an ECS service registers with five target groups at most. Clients of further clusters begin
 * with the brokers' own addresses, which the HTTP API gives as bootstrap_servers.
 */
const balancedClusterCount = 5;

/** Kafka ports behind the load balancer: 9092, 9192, ... */
export const balancedPorts: readonly number[] = Array.from(
  { length: balancedClusterCount },
  (_, index) => kafkaPort + index * clusterPortStep,
);
