import { createRoute, z } from "@hono/zod-openapi";
import type { Command } from "../../metadata/commands/command.ts";
import { rejected } from "../../metadata/commands/command.ts";
import {
  endEvacuation,
  evacuateBroker,
  evacuationProgress,
} from "../../metadata/commands/evacuate-broker.ts";
import type {
  BrokerEvacuation,
  EvacuationErrorCode,
} from "../../metadata/commands/evacuate-broker.ts";
import type { Image } from "../../metadata/image/image.ts";
import type { ApiContext, Routes } from "../api-context.ts";
import { newRoutes } from "../api-context.ts";
import type { CellBroker, Operation } from "../api-types.ts";
import { cellBrokerShape } from "../cell-broker-shape.ts";
import { changeOnce } from "../change.ts";
import { brokerOf } from "../find.ts";
import { drainOperation } from "../operations.ts";
import { partitionsHealth } from "../../metadata/health/partition-health.ts";
import { cellBroker } from "../shapes/cell-broker.ts";
import { operation } from "../shapes/operation.ts";
import { brokerIdPattern, targetIdParams, verbPath } from "./custom-verb.ts";
import { idempotencyHeaders, idParam, jsonReply, locationHeader } from "./openapi.ts";
import { refusals } from "./problem-responses.ts";

const tags = ["Cell"];
const brokers = "/v1/cell/brokers";
const described = {
  tags,
  method: "post" as const,
  request: {
    params: z.object({ broker_id: idParam("broker_id") }),
    headers: idempotencyHeaders,
  },
};
const routed = {
  method: "post" as const,
  hide: true,
  request: { params: targetIdParams, headers: idempotencyHeaders },
};
const refused = refusals("not-found", "refused", "conflict", "idempotency-key-reused");

const drainResponses = {
  202: jsonReply(operation, "The drain; ask for it again to see how far it is", locationHeader),
  ...refused,
};
const drainRoute = createRoute({
  ...routed,
  path: verbPath(brokers, brokerIdPattern, "drain"),
  responses: drainResponses,
});

const undrainResponses = { 200: jsonReply(cellBroker, "The broker"), ...refused };
const undrainRoute = createRoute({
  ...routed,
  path: verbPath(brokers, brokerIdPattern, "undrain"),
  responses: undrainResponses,
});

export function brokerDrainRoutes(api: ApiContext): Routes {
  const routes = newRoutes();
  addDrain(routes, api);
  addUndrain(routes, api);
  return routes;
}

function addDrain(routes: Routes, api: ApiContext): void {
  routes.openAPIRegistry.registerPath({
    ...described,
    path: `${brokers}/{broker_id}:drain`,
    operationId: "drainBroker",
    summary: "Empty a broker: what it holds moves to others, and it is given nothing new",
    description:
      "Its leaderships move at once. Its replicas move as others are in sync in their place, so that nothing is less safe meanwhile; the cell's controller begins a bounded number at a time. The broker stays in service until it is empty and you stop it, also through restarts. A process that is told to stop (SIGTERM) needs no drain: it hands over its leaderships and keeps its replicas for its return. Asked again, it is the same operation.",
    responses: drainResponses,
  });
  routes.openapi(drainRoute, async (c) => {
    const brokerId = c.req.valid("param").target;
    const { body, headers } = await changeOnce<BrokerDrain, Operation, EvacuationErrorCode>(
      api,
      c,
      {
        request: null,
        command: (image, context) => {
          const decision = evacuateBroker(image, { brokerId }, context);
          if (decision.kind === "rejected") return decision;
          return { ...decision, result: { ...decision.result, image } };
        },
        reply: ({ image, ...drain }) => {
          const body = drainOperation(drain, evacuationProgress(image, brokerId));
          return { status: 202, body, headers: { location: `/v1/cell/operations/${body.id}` } };
        },
      },
    );
    return c.json(body, 202, headers);
  });
}

type BrokerDrain = BrokerEvacuation & { image: Image };

function addUndrain(routes: Routes, api: ApiContext): void {
  routes.openAPIRegistry.registerPath({
    ...described,
    path: `${brokers}/{broker_id}:undrain`,
    operationId: "undrainBroker",
    summary: "Take a drain back: the broker may be given replicas again",
    description:
      "What has left stays where it is, and moves that have begun go on; take those back one by one with POST /v1/cell/operations/{operation_id}:cancel. A broker that is not drained stays as it is.",
    responses: undrainResponses,
  });
  routes.openapi(undrainRoute, async (c) => {
    const brokerId = c.req.valid("param").target;
    const { body } = await changeOnce<Image, CellBroker, EvacuationErrorCode>(api, c, {
      request: null,
      command: undrain(brokerId),
      reply: (image) => {
        const broker = { ...brokerOf(image, brokerId), evacuation: null };
        const shape = cellBrokerShape(image, broker, partitionsHealth(image));
        return { status: 200, body: shape, headers: {} };
      },
    });
    return c.json(body, 200);
  });
}

function undrain(brokerId: number): Command<Image, EvacuationErrorCode> {
  return (image) => {
    const broker = image.brokers.get(brokerId);
    if (broker?.state === "draining" && broker.evacuation === null) {
      const message = `the process of broker ${brokerId} was told to stop; it drains by itself, and is back once it is started again`;
      return rejected("INVALID_REQUEST", message);
    }
    const decision = endEvacuation(image, { brokerId });
    return decision.kind === "rejected" ? decision : { ...decision, result: image };
  };
}
