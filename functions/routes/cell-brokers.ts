import { createRoute, z } from "@hono/zod-openapi";
import type { ApiContext, Routes } from "../api-context.ts";
import { newRoutes } from "../api-context.ts";
import { brokersById, cellBrokerShape } from "../cell-broker-shape.ts";
import { brokerOf } from "../find.ts";
import { pageOf, pageQuery } from "../pagination.ts";
import { partitionsHealth } from "../../metadata/health/partition-health.ts";
import { cellBroker, cellBrokerList } from "../shapes/cell-broker.ts";
import { idParam, jsonReply } from "./openapi.ts";
import { refusals } from "./problem-responses.ts";

const tags = ["Cell"];

const listRoute = createRoute({
  method: "get",
  path: "/v1/cell/brokers",
  tags,
  operationId: "listCellBrokers",
  summary: "List the cell's brokers and what they carry",
  description: "In the order of their ids; an id is never used again.",
  request: { query: pageQuery },
  responses: { 200: jsonReply(cellBrokerList, "The brokers"), ...refusals() },
});

const getRoute = createRoute({
  method: "get",
  path: "/v1/cell/brokers/{broker_id}",
  tags,
  operationId: "getCellBroker",
  summary: "Get a broker",
  request: { params: z.object({ broker_id: idParam("broker_id") }) },
  responses: { 200: jsonReply(cellBroker, "The broker"), ...refusals("not-found") },
});

export function cellBrokerRoutes(api: ApiContext): Routes {
  const routes = newRoutes();
  routes.openapi(listRoute, async (c) => {
    const query = c.req.valid("query");
    await api.replica.readToHead();
    const { image } = api.replica;
    const page = pageOf(brokersById(image), query, {
      list: "cell-brokers",
      keyOf: (each) => each.brokerId,
    });
    const health = partitionsHealth(image);
    const data = page.items.map((each) => cellBrokerShape(image, each, health));
    return c.json({ data, next_page_token: page.nextToken }, 200);
  });
  routes.openapi(getRoute, async (c) => {
    await api.replica.readToHead();
    const { image } = api.replica;
    const found = brokerOf(image, c.req.valid("param").broker_id);
    return c.json(cellBrokerShape(image, found, partitionsHealth(image)), 200);
  });
  return routes;
}
