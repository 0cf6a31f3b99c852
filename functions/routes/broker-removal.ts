import { createHash } from "node:crypto";
import { createRoute, z } from "@hono/zod-openapi";
import { awaitedPartitions } from "../../metadata/commands/broker-loss.ts";
import type { AwaitedPartition } from "../../metadata/commands/broker-loss.ts";
import { accepted, rejected } from "../../metadata/commands/command.ts";
import type { Command } from "../../metadata/commands/command.ts";
import { declareLost } from "../../metadata/commands/declare-lost.ts";
import { unregisterBroker } from "../../metadata/commands/unregister-broker.ts";
import type { Broker, Image } from "../../metadata/image/image.ts";
import type { ApiContext, Routes } from "../api-context.ts";
import { newRoutes } from "../api-context.ts";
import type { BrokerLoss } from "../api-types.ts";
import { changeOnce } from "../change.ts";
import type { ChangeErrorCode } from "../change.ts";
import { clusterNameOf } from "../find.ts";
import { brokerLoss, declareLostRequest } from "../shapes/cell-broker.ts";
import { brokerIdPattern, targetIdParams, verbPath } from "./custom-verb.ts";
import { idempotencyHeaders, idParam, jsonBody, jsonReply } from "./openapi.ts";
import { refusals } from "./problem-responses.ts";

const tags = ["Cell"];
const brokers = "/v1/cell/brokers";
const method = "post" as const;
const brokerParams = z.object({ broker_id: idParam("broker_id") });

const lostRequest = { headers: idempotencyHeaders, body: jsonBody(declareLostRequest) };
const lostResponses = {
  200: jsonReply(brokerLoss, "What is lost, or with validate_only would be"),
  ...refusals(
    "not-found",
    "refused",
    "conflict",
    "invalid-fields",
    "unsupported-media-type",
    "body-too-large",
    "idempotency-key-reused",
  ),
};
const lostRoute = createRoute({
  method,
  hide: true,
  path: verbPath(brokers, brokerIdPattern, "declare-lost"),
  request: { params: targetIdParams, ...lostRequest },
  responses: lostResponses,
});

const unregisterResponses = {
  204: { description: "It is forgotten." },
  ...refusals("not-found", "refused", "idempotency-key-reused"),
};
const unregisterRoute = createRoute({
  method,
  hide: true,
  path: verbPath(brokers, brokerIdPattern, "unregister"),
  request: { params: targetIdParams, headers: idempotencyHeaders },
  responses: unregisterResponses,
});

export function brokerRemovalRoutes(api: ApiContext): Routes {
  const routes = newRoutes();
  addDeclareLost(routes, api);
  addUnregister(routes, api);
  return routes;
}

function addDeclareLost(routes: Routes, api: ApiContext): void {
  routes.openAPIRegistry.registerPath({
    method,
    tags,
    path: `${brokers}/{broker_id}:declare-lost`,
    operationId: "declareBrokerLost",
    summary: "Say that a broker's disk is gone for good, and let its partitions go on without it",
    description:
      "Only of a broker out of service. Partitions that have a leader lose a copy; those without one that wait for this broker go on with what others hold, and records that only this disk held are gone. So first ask with `validate_only`: the answer shows what would be lost, and has the `confirmation` without which nothing is done. If more is at stake by then, it no longer counts. Should the broker come back after all, it follows like a new one.",
    request: { params: brokerParams, ...lostRequest },
    responses: lostResponses,
  });
  routes.openapi(lostRoute, async (c) => {
    const brokerId = c.req.valid("param").target;
    const request = c.req.valid("json");
    const { body } = await changeOnce(api, c, {
      request,
      command: lost(brokerId, request),
      reply: (shown) => ({ status: 200, body: shown, headers: {} }),
    });
    return c.json(body, 200);
  });
}

function lost(
  brokerId: number,
  { validate_only, confirmation }: z.infer<typeof declareLostRequest>,
): Command<BrokerLoss, ChangeErrorCode> {
  return (image, context) => {
    const broker = image.brokers.get(brokerId);
    // Whatever the broker's state refuses is told to those who only want to see, too.
    const decision = declareLost(image, { brokerId, brokerEpoch: broker?.epoch ?? -1 }, context);
    if (decision.kind === "rejected" || broker === undefined) {
      return decision.kind === "rejected" ? decision : rejected("INVALID_REQUEST", "no broker");
    }
    const loss = lossOf(image, broker);
    if (validate_only === true) return accepted([], loss);
    if (confirmation === undefined) {
      const message =
        "confirmation is missing: ask with validate_only first, which shows what would be lost and gives it";
      return rejected("CONFIRMATION_MISSING", message, "confirmation");
    }
    // A change in several entries is judged before each of them: what is at stake stays the same, for lastIsr remembers the broker.
    if (confirmation !== loss.confirmation) {
      const message = `confirmation is not that of what would be lost now: ${loss.last_copies_count} last copies of ${loss.waiting_partitions_count} partitions that wait; ask with validate_only again`;
      return rejected("CONFIRMATION_OUTDATED", message, "confirmation");
    }
    return { ...decision, result: { ...loss, is_done: true } };
  };
}

const shownPartitions = 100;

function lossOf(image: Image, broker: Broker): BrokerLoss {
  const { brokerId, isLost } = broker;
  const waiting = awaitedPartitions(image, brokerId);
  const isLast = ({ otherMembers }: AwaitedPartition) => otherMembers.length === 0;
  const lastFirst = [...waiting.filter(isLast), ...waiting.filter((each) => !isLast(each))];
  return {
    broker_id: brokerId,
    replicas_count: image.brokerLoads.get(brokerId)?.replicaCount ?? 0,
    waiting_partitions_count: waiting.length,
    last_copies_count: waiting.filter(isLast).length,
    waiting_partitions: lastFirst.slice(0, shownPartitions).map((each) => ({
      cluster_id: each.topic.clusterId,
      cluster_name: clusterNameOf(image, each.topic.clusterId),
      topic_name: each.topic.name,
      partition_id: each.partition.index,
      is_last_copy: isLast(each),
      other_members: [...each.otherMembers],
    })),
    confirmation: confirmationOf(broker, waiting),
    is_done: isLost,
  };
}

/** Of this life of the broker, and of every partition at stake: what has changed since must be seen again. */
function confirmationOf({ brokerId, epoch }: Broker, waiting: readonly AwaitedPartition[]): string {
  const stakes = waiting.map(({ topic, partition, otherMembers }) => {
    return `${topic.topicId}-${partition.index}-${otherMembers.join(".")}`;
  });
  const seen = JSON.stringify([brokerId, epoch, stakes.sort()]);
  return createHash("sha256").update(seen).digest("base64url").slice(0, 22);
}

function addUnregister(routes: Routes, api: ApiContext): void {
  routes.openAPIRegistry.registerPath({
    method,
    tags,
    path: `${brokers}/{broker_id}:unregister`,
    operationId: "unregisterBroker",
    summary: "Forget a broker that is out of service and holds nothing",
    description:
      "Its id is never used again. Ephemeral brokers without replicas are forgotten by themselves after an hour.",
    request: { params: brokerParams, headers: idempotencyHeaders },
    responses: unregisterResponses,
  });
  routes.openapi(unregisterRoute, async (c) => {
    const brokerId = c.req.valid("param").target;
    await changeOnce(api, c, {
      request: null,
      command: (image) => unregisterBroker(image, { brokerId }),
      reply: () => ({ status: 204, body: null, headers: {} }),
    });
    return c.body(null, 204);
  });
}
