// Looks after the number of brokers: every minute, and whenever somebody calls it. It answers with what it decided.
import { z } from "zod";
import {
  cellVariables,
  EnvironmentError,
  readEnvironment,
  text,
  wholeNumber,
} from "../../adapters/aws/environment.ts";
import { createEcsClient, createEcsFleet } from "../../adapters/ecs/fleet.ts";
import { once } from "../once.ts";
import { defaultCapacity } from "../reconcile/demand.ts";
import type { ReconcileOptions, ReconcileResult } from "../reconcile/reconcile.ts";
import { reconcile } from "../reconcile/reconcile.ts";
import { openFunctionCell } from "./cell-of-function.ts";

const perZone = (what: string) => wholeNumber({ what, min: 0, max: 1_000 });
const servicesHelp = 'it should be JSON of zones and their services, as {"eu-central-1a":"name"}';

const variables = z.object({
  ...cellVariables,
  MYELIN_ECS_CLUSTER: text("the ECS cluster of the brokers"),
  MYELIN_ECS_SERVICES: z.string({ error: servicesHelp }).transform((json, context) => {
    const read = z.record(z.string(), z.string().min(1)).safeParse(parsed(json));
    if (read.success && Object.keys(read.data).length > 0) return read.data;
    context.addIssue(servicesHelp);
    return z.NEVER;
  }),
  MYELIN_MIN_PER_ZONE: perZone("the fewest brokers of a zone"),
  MYELIN_MAX_PER_ZONE: perZone("the most brokers of a zone"),
  MYELIN_SLEEP_WHEN_IDLE: z
    .enum(["true", "false"], { error: "it should be true or false" })
    .default("false"),
});

const options = once(async (): Promise<ReconcileOptions> => {
  const environment = readEnvironment(variables, process.env);
  const { MYELIN_MIN_PER_ZONE: minPerZone, MYELIN_MAX_PER_ZONE: maxPerZone } = environment;
  if (minPerZone > maxPerZone) {
    const why = `MYELIN_MIN_PER_ZONE is ${minPerZone}: it should be at most MYELIN_MAX_PER_ZONE`;
    throw new EnvironmentError(`${why} (${maxPerZone})`);
  }
  const { ports, replica, log } = await openFunctionCell(environment);
  return {
    replica,
    objects: ports.objects,
    fleet: createEcsFleet({
      client: createEcsClient({ region: environment.AWS_REGION }),
      cluster: environment.MYELIN_ECS_CLUSTER,
      services: environment.MYELIN_ECS_SERVICES,
    }),
    clock: ports.clock,
    log,
    cell: environment.MYELIN_CELL,
    limits: {
      minPerZone,
      maxPerZone,
      sleepsWhenIdle: environment.MYELIN_SLEEP_WHEN_IDLE === "true",
    },
    capacity: defaultCapacity,
  };
});

export async function handler(): Promise<ReconcileResult> {
  return reconcile(await options());
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return null; // The caller says what it should be.
  }
}
