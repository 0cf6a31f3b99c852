import { createRoute } from "@hono/zod-openapi";
import { sleepCell, sleepProgress, wakeCell } from "../../metadata/commands/sleep-cell.ts";
import type { SleepProgress } from "../../metadata/commands/sleep-cell.ts";
import type { Image } from "../../metadata/image/image.ts";
import { awake } from "../../metadata/records/cell.ts";
import type { CellSleep } from "../../metadata/records/cell.ts";
import type { ApiContext, Routes } from "../api-context.ts";
import { newRoutes } from "../api-context.ts";
import type { Cell, Operation } from "../api-types.ts";
import { cellShape } from "../cell-shape.ts";
import { changeOnce } from "../change.ts";
import type { ChangeErrorCode } from "../change.ts";
import { sleepOperation } from "../operations.ts";
import { cell } from "../shapes/cell.ts";
import { operation } from "../shapes/operation.ts";
import { idempotencyHeaders, jsonReply, locationHeader } from "./openapi.ts";
import { refusals } from "./problem-responses.ts";

const described = {
  tags: ["Cell"],
  method: "post" as const,
  request: { headers: idempotencyHeaders },
};
const refused = refusals("refused", "conflict", "idempotency-key-reused");

const sleepRoute = createRoute({
  ...described,
  path: "/v1/cell:sleep",
  operationId: "sleepCell",
  summary: "Put the cell to sleep: all it holds goes to the object store, and its brokers stop",
  description:
    "From now on no records are taken: producers are told to try again. Once every partition is sealed in the object store the brokers stop, and the cell costs nothing but what is stored. Clusters and topics can be made and deleted while it sleeps. It wakes when a broker starts, on whatever disk, with the same offsets, groups and producers. Asked again, it is the same operation; canceled, the cell goes on as before.",
  responses: {
    202: jsonReply(operation, "The way to sleep; ask for it again", locationHeader),
    ...refused,
  },
});

const wakeRoute = createRoute({
  ...described,
  path: "/v1/cell:wake",
  operationId: "wakeCell",
  summary: "Wake the cell, or take its sleep back",
  description:
    "Its partitions are led again as brokers come; a broker that starts wakes the cell by itself. A cell that is awake stays as it is.",
  responses: { 200: jsonReply(cell, "The cell"), ...refused },
});

type Begun = { readonly sleep: CellSleep; readonly progress: SleepProgress };

export function cellSleepRoutes(api: ApiContext): Routes {
  const routes = newRoutes();
  routes.openapi(sleepRoute, async (c) => {
    const { body, headers } = await changeOnce<Begun, Operation, ChangeErrorCode>(api, c, {
      request: null,
      command: (image, context) => {
        const decision = sleepCell(image, context);
        if (decision.kind === "rejected") return decision;
        const progress = sleepProgress(image);
        return { ...decision, result: { sleep: decision.result, progress } };
      },
      reply: ({ sleep, progress }) => {
        const body = sleepOperation(sleep, progress);
        return { status: 202, body, headers: { location: `/v1/cell/operations/${body.id}` } };
      },
    });
    return c.json(body, 202, headers);
  });
  routes.openapi(wakeRoute, async (c) => {
    const { body } = await changeOnce<Image, Cell, ChangeErrorCode>(api, c, {
      request: null,
      command: (image) => {
        const decision = wakeCell(image);
        if (decision.kind === "rejected") return decision;
        return { ...decision, result: { ...image, sleep: awake } };
      },
      reply: (image) => {
        return { status: 200, body: cellShape(image, api.config.version), headers: {} };
      },
    });
    return c.json(body, 200);
  });
  return routes;
}
