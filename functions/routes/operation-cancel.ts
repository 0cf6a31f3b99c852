import { createRoute, z } from "@hono/zod-openapi";
import { alterPartitionReassignments } from "../../metadata/commands/alter-partition-reassignments.ts";
import { rejected } from "../../metadata/commands/command.ts";
import type { Command, CommandContext, Decision } from "../../metadata/commands/command.ts";
import { endEvacuation } from "../../metadata/commands/evacuate-broker.ts";
import { wakeCell } from "../../metadata/commands/sleep-cell.ts";
import type { Image } from "../../metadata/image/image.ts";
import type { ApiContext, Routes } from "../api-context.ts";
import { newRoutes } from "../api-context.ts";
import type { Operation } from "../api-types.ts";
import { changeOnce } from "../change.ts";
import type { ChangeErrorCode } from "../change.ts";
import { operationOf } from "../operations.ts";
import { operation } from "../shapes/operation.ts";
import { operationIdPattern, targetParams, verbPath } from "./custom-verb.ts";
import { idempotencyHeaders, jsonReply } from "./openapi.ts";
import { operationNotFound } from "./operations.ts";
import { refusals } from "./problem-responses.ts";

const operations = "/v1/cell/operations";
const method = "post" as const;
const responses = {
  200: jsonReply(operation, "The operation, canceled"),
  ...refusals("not-found", "refused", "conflict", "idempotency-key-reused"),
};
const cancelRoute = createRoute({
  method,
  hide: true,
  path: verbPath(operations, operationIdPattern, "cancel"),
  request: { params: targetParams, headers: idempotencyHeaders },
  responses,
});

export function operationCancelRoutes(api: ApiContext): Routes {
  const routes = newRoutes();
  routes.openAPIRegistry.registerPath({
    method,
    tags: ["Cell"],
    path: `${operations}/{operation_id}:cancel`,
    operationId: "cancelOperation",
    summary: "Take an operation back that is not done",
    description:
      "A move: the partition has the replicas it had before. A drain: what has left stays where it is, and moves that have begun go on. Sleep: the cell is awake.",
    request: {
      params: z.object({
        operation_id: z.string().openapi({ param: { name: "operation_id", in: "path" } }),
      }),
      headers: idempotencyHeaders,
    },
    responses,
  });
  routes.openapi(cancelRoute, async (c) => {
    const id = c.req.valid("param").target;
    const { body } = await changeOnce(api, c, {
      request: null,
      command: cancel(id),
      reply: (canceled) => ({ status: 200, body: canceled, headers: {} }),
    });
    return c.json(body, 200);
  });
  return routes;
}

function cancel(id: string): Command<Operation, ChangeErrorCode> {
  return (image, context) => {
    const found = operationOf(image, id);
    if (found === null) return rejected("RESOURCE_NOT_FOUND", operationNotFound(id).message);
    if (found.state === "canceled") return { kind: "accepted", records: [], result: found };
    // A broker that is empty is still kept empty: that can be taken back.
    if (found.state === "done" && found.kind === "move") {
      return rejected("NO_REASSIGNMENT_IN_PROGRESS", `operation ${id} is done already`);
    }
    const decision = takenBack(image, found, context);
    if (decision.kind === "rejected") return decision;
    const { error: _, ...rest } = found;
    return { ...decision, result: { ...rest, state: "canceled" } };
  };
}

function takenBack(
  image: Image,
  { kind, broker_id: brokerId, partition }: Operation,
  context: CommandContext,
): Decision<unknown, ChangeErrorCode> {
  if (kind === "sleep") return wakeCell(image);
  if (partition === undefined) return endEvacuation(image, { brokerId: brokerId ?? -1 });
  const { cluster_id: clusterId, topic_name: name, partition_id: index } = partition;
  const topics = [{ name, partitions: [{ index, replicas: null }] }];
  const decision = alterPartitionReassignments(image, { clusterId, topics }, context);
  const [outcome] = decision.kind === "accepted" ? decision.result : [];
  return outcome?.kind === "rejected" ? outcome : decision;
}
