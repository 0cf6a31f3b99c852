// The control plane's HTTP API as a Lambda function behind an API Gateway HTTP API (payload format 2.0).
import { z } from "zod";
import {
  cellVariables,
  readEnvironment,
  text,
  wholeNumber,
} from "../../adapters/aws/environment.ts";
import { version } from "../../adapters/aws/version.ts";
import { activeBrokers } from "../../metadata/image/image.ts";
import { createApi } from "../api.ts";
import type { Routes } from "../api-context.ts";
import { handlerFor } from "../lambda.ts";
import { openFunctionCell } from "./cell-of-function.ts";

const port = (what: string) => wholeNumber({ what, min: 1, max: 65_535 });

/** A name that can never resolve: there is no Kafka to be reached. */
const nobody = "no-broker-yet.invalid";

const variables = z.object({
  ...cellVariables,
  /** Of the load balancer that clients begin at, where there is one: told as long as no broker is registered. */
  MYELIN_BOOTSTRAP_HOST: text("the name of the bootstrap load balancer").default(nobody),
  MYELIN_PORT: port("the port of Kafka").default(9092),
  MYELIN_HTTP_PORT: port("the port of the brokers' HTTP").default(9640),
});

export const handler = handlerFor(open);

async function open(): Promise<Routes> {
  const environment = readEnvironment(variables, process.env);
  const { ports, replica, log } = await openFunctionCell(environment);
  const { MYELIN_BOOTSTRAP_HOST: host, MYELIN_HTTP_PORT: httpPort } = environment;
  return createApi({
    replica,
    clock: ports.clock,
    random: ports.random,
    log,
    config: {
      version,
      kafka: { host, port: environment.MYELIN_PORT },
      httpEndpoint: () => `http://${activeBrokers(replica.image)[0]?.host ?? host}:${httpPort}`,
      // API Gateway sends an answer when it is whole.
      eventStreamMs: 0,
    },
  });
}
