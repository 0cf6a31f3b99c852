import { z } from "@hono/zod-openapi";

// Custom verbs (`/v1/cell/brokers/{broker_id}:drain`). Hono takes that for one parameter of an odd name, so the route it gets has one parameter for both,
// whose pattern ends in the verb, and stays out of the reference; the reference lists the path as clients write it.

/** The path for Hono. `pattern` is the resource's name as a regular expression without braces. */
export function verbPath(collection: string, pattern: string, verb: string): string {
  return `${collection}/{target{${pattern}:${verb}}}`;
}

/** The resource's name, without the verb behind it. */
const target = z.string().transform((given) => given.slice(0, given.lastIndexOf(":")));

export const targetParams: z.ZodObject<{ target: typeof target }> = z.object({ target });

export const targetIdParams: z.ZodObject<{
  target: z.ZodPipe<typeof target, z.ZodTransform<number, string>>;
}> = z.object({ target: target.transform(Number) });

export const brokerIdPattern = "[0-9]+";
export const operationIdPattern = "[0-9A-Za-z._-]+";
