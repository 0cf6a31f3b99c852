import { z } from "@hono/zod-openapi";
import { Problem } from "./problem.ts";

export const maxPageSize = 1000;

/** Confluent's clients do not turn pages, so a page is as large as an answer may be unless asked for smaller. */
const defaultPageSize = maxPageSize;

export const pageQuery = z.object({
  page_size: z.coerce
    .number()
    .pipe(z.int().min(1).max(maxPageSize))
    .optional()
    .openapi({
      param: { name: "page_size", in: "query" },
      type: "integer",
      minimum: 1,
      maximum: maxPageSize,
      default: defaultPageSize,
      description: "Entries to a page.",
    }),
  page_token: z
    .string()
    .max(2048)
    .optional()
    .openapi({
      param: { name: "page_token", in: "query" },
      description: "From the page before; opaque, and good for the same list only.",
    }),
});

export type PageQuery = { page_size?: number | undefined; page_token?: string | undefined };

export type Page<T> = { items: T[]; nextToken: string | null };

export type PageOptions<T> = {
  /** What is listed ("topics 8f2c..."): a token of another list is refused. */
  list: string;
  /** Sorts the list, strictly ascending: pages go on after the last key seen, so what comes or goes in between moves nothing. */
  keyOf: (item: T) => string | number;
};

export function pageOf<T>(items: readonly T[], query: PageQuery, options: PageOptions<T>): Page<T> {
  const after = query.page_token === undefined ? null : readToken(query.page_token, options.list);
  const from = after === null ? 0 : firstAfter(items, after, options.keyOf);
  const end = from + (query.page_size ?? defaultPageSize);
  const page = items.slice(from, end);
  const last = page.at(-1);
  const hasMore = end < items.length && last !== undefined;
  return { items: page, nextToken: hasMore ? tokenOf(options.list, options.keyOf(last)) : null };
}

function firstAfter<T>(
  items: readonly T[],
  after: string | number,
  keyOf: (item: T) => string | number,
): number {
  const found = items.findIndex((item) => keyOf(item) > after);
  return found === -1 ? items.length : found;
}

function tokenOf(list: string, key: string | number): string {
  return Buffer.from(JSON.stringify([list, key])).toString("base64url");
}

function readToken(token: string, list: string): string | number {
  try {
    const read: unknown = JSON.parse(Buffer.from(token, "base64url").toString("utf8"));
    if (Array.isArray(read) && read.length === 2 && read[0] === list) {
      const key: unknown = read[1];
      if (typeof key === "string" || typeof key === "number") return key;
    }
  } catch {
    // Not JSON: refused below, like a token of another list.
  }
  const detail = "page_token is not one that this list gave out";
  throw new Problem("malformed-request", detail, {
    errors: [{ pointer: "#/page_token", in: "query", detail }],
    kafkaErrorCode: "INVALID_REQUEST",
  });
}
