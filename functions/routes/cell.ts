import { createRoute } from "@hono/zod-openapi";
import type { ApiContext, Routes } from "../api-context.ts";
import { newRoutes } from "../api-context.ts";
import { cellShape } from "../cell-shape.ts";
import { cell } from "../shapes/cell.ts";
import { jsonReply } from "./openapi.ts";
import { refusals } from "./problem-responses.ts";

const cellRoute = createRoute({
  method: "get",
  path: "/v1/cell",
  tags: ["Cell"],
  operationId: "getCell",
  summary: "The fleet behind the clusters, as the metadata log knows it",
  responses: { 200: jsonReply(cell, "The cell"), ...refusals() },
});

export function cellRoutes(api: ApiContext): Routes {
  const routes = newRoutes();
  routes.openapi(cellRoute, async (c) => {
    await api.replica.readToHead();
    return c.json(cellShape(api.replica.image, api.config.version), 200);
  });
  return routes;
}
