import { createRoute, z } from "@hono/zod-openapi";
import type { ApiContext, Routes } from "../api-context.ts";
import { newRoutes } from "../api-context.ts";
import type { DocsAssetName } from "../docs-assets.ts";
import {
  docsHeaders,
  docsPage,
  docsScript,
  docsStyle,
  problemPage,
  problemsPage,
} from "../docs-page.ts";
import { notFound } from "../find.ts";
import { apiDocument } from "../openapi-document.ts";
import { problemKinds } from "../problem.ts";
import type { ProblemKind } from "../problem.ts";
import { refusals } from "./problem-responses.ts";

const tags = ["Reference"];

const page = (description: string) => ({
  description,
  content: { "text/html": { schema: z.string() } },
});

const documentRoute = createRoute({
  method: "get",
  path: "/openapi.json",
  tags,
  operationId: "getOpenApiDocument",
  summary: "This reference as an OpenAPI 3.1 document",
  responses: {
    200: {
      description: "The document",
      content: { "application/json": { schema: z.object({ openapi: z.string() }) } },
    },
  },
});

const docsRoute = createRoute({
  method: "get",
  path: "/docs",
  tags,
  operationId: "getDocs",
  summary: "This page",
  responses: { 200: page("The page") },
});

const assetRoute = createRoute({
  method: "get",
  path: "/docs/{file}",
  tags,
  operationId: "getDocsFile",
  summary: "A file of this page",
  request: { params: z.object({ file: z.string() }) },
  responses: { 200: { description: "The file" }, ...refusals("not-found") },
});

const problemsRoute = createRoute({
  method: "get",
  path: "/docs/problems",
  tags,
  operationId: "listProblemKinds",
  summary: "The kinds of problem",
  responses: { 200: page("The page") },
});

const problemRoute = createRoute({
  method: "get",
  path: "/docs/problems/{kind}",
  tags,
  operationId: "getProblemKind",
  summary: "What a problem's type means and what to do",
  request: { params: z.object({ kind: z.string().openapi({ example: "invalid-fields" }) }) },
  responses: { 200: page("The page"), ...refusals("not-found") },
});

const cached = { "cache-control": "public, max-age=3600" };

export function docsRoutes(api: ApiContext, app: Routes): Routes {
  const routes = newRoutes();
  let document: { openapi: string } | null = null;
  routes.openapi(documentRoute, (c) => {
    document ??= apiDocument(app, api.config.version);
    return c.json(document, 200);
  });
  // HTML and files are no JSON, so their types say nothing more than Response.
  routes.openapi(docsRoute, (c) => c.body(docsPage(api.config.version), 200, docsHeaders));
  routes.openapi(problemsRoute, (c) => c.body(problemsPage(), 200, docsHeaders));
  routes.openapi(problemRoute, (c) => {
    const { kind } = c.req.valid("param");
    if (!isProblemKind(kind)) throw missing(`no problem is named ${kind.slice(0, 100)}`);
    return c.body(problemPage(kind), 200, docsHeaders);
  });
  routes.openapi(assetRoute, async (c) => {
    const { file } = c.req.valid("param");
    const found = await readFile(api, file);
    if (found === null) throw missing(`the reference has no file ${file.slice(0, 100)}`);
    return c.body(found.content, 200, { ...cached, "content-type": found.type });
  });
  return routes;
}

const css = "text/css; charset=utf-8";
const javascript = "text/javascript; charset=utf-8";
const assets: Readonly<Record<string, { name: DocsAssetName; type: string }>> = {
  "swagger-ui.css": { name: "swagger-ui.css", type: css },
  "swagger-ui-bundle.js": { name: "swagger-ui-bundle.js", type: javascript },
};

async function readFile(
  api: ApiContext,
  file: string,
): Promise<{ content: string | Uint8Array<ArrayBuffer>; type: string } | null> {
  if (file === "reference.js") return { content: docsScript, type: javascript };
  if (file === "reference.css") return { content: docsStyle, type: css };
  const asset = Object.hasOwn(assets, file) ? assets[file] : undefined;
  if (asset === undefined) return null;
  const content = await api.docsAssets.read(asset.name);
  return content === null ? null : { content, type: asset.type };
}

function isProblemKind(kind: string): kind is ProblemKind {
  return Object.hasOwn(problemKinds, kind);
}

function missing(detail: string): Error {
  return notFound(detail, "RESOURCE_NOT_FOUND", 404);
}
