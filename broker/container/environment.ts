import { z } from "zod";
import {
  cellVariables,
  EnvironmentError,
  readEnvironment,
  text,
  wholeNumber,
} from "../../adapters/aws/environment.ts";
import type { Environment } from "../../adapters/aws/environment.ts";

const port = (what: string) => wholeNumber({ what, min: 0, max: 65_535 });
const seconds = (what: string, { min, max }: { min: number; max: number }) =>
  wholeNumber({ what: `the seconds ${what}`, min, max });

const brokerVariables = z.object({
  ...cellVariables,
  /** On the task's own disk; what is in it makes the broker who it is. */
  MYELIN_DATA_DIR: text("the directory of the broker's data").default("/data"),
  /** Of the cluster with port offset 0. */
  MYELIN_PORT: port("the port of Kafka").default(9092),
  MYELIN_HTTP_PORT: port("the port of /metrics, /healthz and /readyz").default(9640),
  MYELIN_LISTEN_HOST: text("the address to listen on").default("0.0.0.0"),
  MYELIN_PROFILE: z
    .enum(["dev", "standard", "performance"], {
      error: "it should be dev, standard or performance",
    })
    .default("standard"),
  /** The task definition's stopTimeout, after which ECS kills the container. */
  MYELIN_STOP_TIMEOUT_S: seconds("from SIGTERM until it is killed", { min: 2, max: 120 }).default(
    120,
  ),
  /** replacement.delay: a broker gone for so long has its replicas made anew. Its disk has gone with it, but its records may only be cut off. */
  MYELIN_REPLACEMENT_DELAY_S: seconds(
    "after which replicas of a broker that is gone are made anew",
    {
      min: 1,
      max: 3_600,
    },
  ).default(60),
  /** After so long the task counts as healthy whatever is still missing, for ECS would replace it by one that has nothing at all. */
  MYELIN_HEALTH_GATE_S: seconds("that a deployment waits for this broker to be in sync", {
    min: 0,
    max: 7_200,
  }).default(540),
  MYELIN_LOG_LEVEL: z
    .enum(["debug", "info", "warn", "error"], { error: "it should be debug, info, warn or error" })
    .default("info"),
  MYELIN_ADVERTISED_HOST: text("the address that clients reach the broker at").optional(),
  MYELIN_ZONE: text("the availability zone").optional(),
  /** Set by ECS in each container. */
  ECS_CONTAINER_METADATA_URI_V4: z.url({ error: "it should be a URL" }).optional(),
  ECS_AGENT_URI: z.url({ error: "it should be a URL" }).optional(),
});

export type BrokerEnvironment = z.infer<typeof brokerVariables>;

/** Throws EnvironmentError. */
export function readBrokerEnvironment(environment: Environment): BrokerEnvironment {
  const read = readEnvironment(brokerVariables, environment);
  const isPlaced = read.MYELIN_ADVERTISED_HOST !== undefined && read.MYELIN_ZONE !== undefined;
  if (isPlaced || read.ECS_CONTAINER_METADATA_URI_V4 !== undefined) return read;
  throw new EnvironmentError(
    "ECS_CONTAINER_METADATA_URI_V4 is not set: ECS sets it in its containers; outside of ECS, MYELIN_ADVERTISED_HOST and MYELIN_ZONE say where this broker is",
  );
}
