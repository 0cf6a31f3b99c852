// Clusters and topics of stacks: what CDK's provider framework calls with each request of CloudFormation.
import { z } from "zod";
import { cellVariables, readEnvironment, wholeNumber } from "../../adapters/aws/environment.ts";
import { once } from "../once.ts";
import type { ResourceAnswer } from "../resources/resource-event.ts";
import { carryOut } from "../resources/resources.ts";
import { openFunctionCell } from "./cell-of-function.ts";

const variables = z.object({
  ...cellVariables,
  MYELIN_PORT: wholeNumber({ what: "the port of Kafka", min: 1, max: 65_535 }).default(9092),
});

const context = once(async () => {
  const environment = readEnvironment(variables, process.env);
  const { replica, ports } = await openFunctionCell(environment);
  return { replica, clock: ports.clock, kafkaPort: environment.MYELIN_PORT };
});

export async function handler(event: unknown): Promise<ResourceAnswer> {
  return carryOut(await context(), event);
}
