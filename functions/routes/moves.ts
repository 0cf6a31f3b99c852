import { createRoute } from "@hono/zod-openapi";
import type { z } from "@hono/zod-openapi";
import { alterPartitionReassignments } from "../../metadata/commands/alter-partition-reassignments.ts";
import type { ReassignmentErrorCode } from "../../metadata/commands/alter-partition-reassignments.ts";
import type { Command } from "../../metadata/commands/command.ts";
import { targetReplicas } from "../../metadata/commands/replica-moves.ts";
import type { Image, Partition, Topic } from "../../metadata/image/image.ts";
import { systemClusterId, topicByName } from "../../metadata/image/image.ts";
import type { MetadataRecord } from "../../metadata/records/table.ts";
import type { ApiContext, Routes } from "../api-context.ts";
import { newRoutes } from "../api-context.ts";
import type { Operation } from "../api-types.ts";
import { changeOnce } from "../change.ts";
import { clusterMissing } from "../on-topic.ts";
import { moveOperation } from "../operations.ts";
import { Problem } from "../problem.ts";
import { moveReplicasRequest, operationList } from "../shapes/operation.ts";
import { jsonPointer } from "../wrong-fields.ts";
import { idempotencyHeaders, jsonBody, jsonReply, locationHeader } from "./openapi.ts";
import { refusals } from "./problem-responses.ts";

const moveRoute = createRoute({
  method: "post",
  path: "/v1/cell/moves",
  tags: ["Cell"],
  operationId: "moveReplicas",
  summary: "Move replicas of a topic's partitions to other brokers, or take such moves back",
  description:
    "All of them or none. New replicas come beside the old ones, which go once all of the new are in sync; the first broker named is the preferred leader. Another number of replicas than before is what the topic is to have from then on. Each partition is an operation of its own, also to be seen at /kafka/v3/clusters/{cluster_id}/topics/{topic_name}/partitions/-/reassignment.",
  request: { headers: idempotencyHeaders, body: jsonBody(moveReplicasRequest) },
  responses: {
    202: jsonReply(operationList, "An operation for each partition", locationHeader),
    ...refusals(
      "not-found",
      "refused",
      "conflict",
      "invalid-fields",
      "unsupported-media-type",
      "body-too-large",
      "idempotency-key-reused",
    ),
  },
});

type Request = z.infer<typeof moveReplicasRequest>;

export function moveRoutes(api: ApiContext): Routes {
  const routes = newRoutes();
  routes.openapi(moveRoute, async (c) => {
    const request = c.req.valid("json");
    assertNamedOnce(request);
    const { body, headers } = await changeOnce(api, c, {
      request,
      command: move(request),
      reply: (data) => {
        const [only] = data.length === 1 ? data : [];
        const location = `/v1/cell/operations${only === undefined ? "" : `/${only.id}`}`;
        return { status: 202, body: { data, next_page_token: null }, headers: { location } };
      },
      fieldPath: (field) =>
        field.split("/").map((step) => (/^\d+$/.test(step) ? Number(step) : step)),
    });
    return c.json(body, 202, headers);
  });
  return routes;
}

/** Kafka's way is that the first counts; who writes JSON by hand should hear of it. */
function assertNamedOnce({ replicas_assignments: assignments }: Request): void {
  const seen = new Set<number>();
  for (const [position, { partition_id: id }] of assignments.entries()) {
    if (seen.has(id)) {
      const detail = `replicas_assignments names partition ${id} twice`;
      const pointer = jsonPointer(["replicas_assignments", position, "partition_id"]);
      throw new Problem("invalid-fields", detail, {
        errors: [{ pointer, in: "body", detail }],
        kafkaErrorCode: "INVALID_REQUEST",
      });
    }
    seen.add(id);
  }
}

type MoveErrorCode = ReassignmentErrorCode | "CLUSTER_NOT_FOUND";

function move(request: Request): Command<Operation[], MoveErrorCode> {
  const { cluster_id: clusterId, topic_name: name, replicas_assignments: assignments } = request;
  const partitions = assignments.map(({ partition_id: index, broker_ids: replicas }) => {
    return { index, replicas };
  });
  return (image, context) => {
    const isKnown = clusterId === systemClusterId || image.clusters.has(clusterId);
    if (!isKnown) return clusterMissing(clusterId);
    const wanted = {
      clusterId,
      topics: [{ name, partitions }],
      allowReplicationFactorChange: request.allow_replication_factor_change ?? true,
    };
    const decision = alterPartitionReassignments(image, wanted, context);
    if (decision.kind === "rejected") return decision;
    for (const [position, outcome] of decision.result.entries()) {
      if (outcome.kind !== "rejected") continue;
      const { error, message, index } = outcome;
      const field = `replicas_assignments/${position}/broker_ids`;
      return { kind: "rejected", error, message: `partition ${index}: ${message}`, field };
    }
    const topic = topicByName(image, clusterId, name);
    if (topic === undefined) throw new Error("its partitions were found");
    return { ...decision, result: operationsAfter(image, { topic, partitions }, decision.records) };
  };
}

type Moves = {
  topic: Topic;
  partitions: readonly { index: number; replicas: readonly number[] | null }[];
};

/** What has been begun, or taken back, once the records are applied. */
function operationsAfter(
  image: Image,
  { topic, partitions }: Moves,
  records: readonly MetadataRecord[],
): Operation[] {
  const changed = new Map<number, Partition>();
  for (const record of records) {
    if (record.kind !== "partitionsChanged") continue;
    for (const partition of record.partitions) changed.set(partition.index, partition);
  }
  return partitions.map(({ index, replicas }) => {
    const before = topic.partitions[index];
    if (before === undefined) throw new Error("the partition was found");
    const target = replicas ?? targetReplicas(before);
    return moveOperation(image, { topic, partition: changed.get(index) ?? before, target });
  });
}
