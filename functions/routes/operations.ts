import { createRoute, z } from "@hono/zod-openapi";
import type { ApiContext, Routes } from "../api-context.ts";
import { newRoutes } from "../api-context.ts";
import { eventStream, eventStreamHeaders } from "../event-stream.ts";
import { notFound } from "../find.ts";
import { operationOf, operationsOf } from "../operations.ts";
import { pageOf, pageQuery } from "../pagination.ts";
import { Problem } from "../problem.ts";
import { operation, operationList } from "../shapes/operation.ts";
import { jsonReply } from "./openapi.ts";
import { refusals } from "./problem-responses.ts";

const tags = ["Cell"];

const listRoute = createRoute({
  method: "get",
  path: "/v1/cell/operations",
  tags,
  operationId: "listOperations",
  summary: "List the long work that is under way: drains, moves of replicas, and sleep",
  description:
    "Also what the cell does by itself: replicas of brokers that are gone, and those that spread as brokers come. In the order of their ids.",
  request: {
    query: pageQuery.extend({
      kind: operation.shape.kind
        .optional()
        .openapi({ param: { name: "kind", in: "query" }, description: "Only these." }),
    }),
  },
  responses: { 200: jsonReply(operationList, "The operations"), ...refusals() },
});

const getRoute = createRoute({
  method: "get",
  path: "/v1/cell/operations/{operation_id}",
  tags,
  operationId: "getOperation",
  summary: "Get an operation: how far it is, and what holds it up",
  description:
    "With `Accept: text/event-stream` it is told again whenever it changes, as events named `progress`, until it is done or canceled, and for ten minutes at most: an EventSource asks again by itself, and is told to stop (204) when all is over. Operations are read off the cell's state, so one that is done, or was canceled and leaves no trace, may be 404.",
  request: {
    params: z.object({
      operation_id: z
        .string()
        .max(1000)
        .openapi({ param: { name: "operation_id", in: "path" }, example: "drain-3-4711" }),
    }),
    headers: z.object({
      "Last-Event-ID": z.string().max(100).optional().openapi({
        description: "EventSource sends it when it asks again.",
      }),
    }),
  },
  responses: {
    200: {
      description: "The operation",
      content: {
        "application/json": { schema: operation },
        "text/event-stream": { schema: z.string() },
      },
    },
    204: { description: "To an EventSource that asks again: it is over." },
    ...refusals("not-found", "too-many-streams"),
  },
});

const everyMs = 1_000;
const usualStreamMs = 10 * 60_000;
/** Each looks at the image once a second; a drain looks at every partition. */
const maxStreams = 100;

export function operationRoutes(api: ApiContext): Routes {
  const routes = newRoutes();
  routes.openapi(listRoute, async (c) => {
    const query = c.req.valid("query");
    await api.replica.readToHead();
    const all = operationsOf(api.replica.image);
    const listed = query.kind === undefined ? all : all.filter(({ kind }) => kind === query.kind);
    const page = pageOf(listed, query, {
      list: `operations ${query.kind ?? ""}`,
      keyOf: (each) => each.id,
    });
    return c.json({ data: page.items, next_page_token: page.nextToken }, 200);
  });
  let streamCount = 0;
  routes.openapi(getRoute, async (c) => {
    const id = c.req.valid("param").operation_id;
    await api.replica.readToHead();
    const found = operationOf(api.replica.image, id);
    if (found === null) throw operationNotFound(id);
    if (!wantsEvents(c.req.header("accept"))) return c.json(found, 200);
    if (isOver(found.state) && c.req.valid("header")["Last-Event-ID"] !== undefined) {
      return c.body(null, 204);
    }
    if (streamCount >= maxStreams) throw tooManyStreams();
    streamCount += 1;
    const stream = operationEvents(api, id, () => (streamCount -= 1));
    return c.body(stream, 200, eventStreamHeaders);
  });
  return routes;
}

export function operationNotFound(id: string): Problem {
  const shown = id.slice(0, 100).toWellFormed();
  const detail = `no operation has the id ${shown}: a drain that was taken back leaves none, nor does anything of a broker or topic that is gone`;
  return notFound(detail, "RESOURCE_NOT_FOUND", 404);
}

function isOver(state: z.infer<typeof operation>["state"]): boolean {
  return state === "done" || state === "canceled";
}

/** Clients that take anything get JSON. */
function wantsEvents(accept: string | undefined): boolean {
  return accept?.toLowerCase().includes("text/event-stream") === true;
}

function tooManyStreams(): Problem {
  const detail = `${maxStreams} clients follow operations already; ask for JSON now and then instead`;
  return new Problem("too-many-streams", detail, { retryAfterSeconds: 10 });
}

function operationEvents(api: ApiContext, id: string, onEnd: () => void): ReadableStream {
  let said = "";
  let revision = -1;
  return eventStream({
    clock: api.clock,
    everyMs,
    maxMs: api.config.eventStreamMs ?? usualStreamMs,
    onEnd,
    next: async () => {
      await api.replica.readToHead();
      const { image } = api.replica;
      // A look at every partition, which a hundred listeners need not have each second while nothing happens.
      if (image.revision === revision) return { event: null, isLast: false };
      revision = image.revision;
      const found = operationOf(image, id);
      // Taken back meanwhile, or its broker forgotten once it was empty.
      if (found === null) return { event: null, isLast: true };
      const data = JSON.stringify(found);
      const event = data === said ? null : { event: "progress", id: String(revision), data };
      said = data;
      return { event, isLast: isOver(found.state) };
    },
  });
}
