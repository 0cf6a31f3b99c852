import type { ProblemKind } from "../problem.ts";
import { problemKinds } from "../problem.ts";
import { problemDetails } from "../shapes/problem.ts";

type ProblemResponse = {
  description: string;
  content: { "application/problem+json": { schema: typeof problemDetails } };
};

/** Every route can refuse its parameters and be unable to reach the metadata log. */
const always: readonly ProblemKind[] = ["malformed-request", "internal", "unavailable"];

/** The refusals of a route, for the reference. They are thrown, never returned, so they stay out of the handler's types. */
export function refusals(...kinds: ProblemKind[]): Record<never, ProblemResponse> {
  const responses: Record<string, ProblemResponse> = {};
  for (const kind of [...kinds, ...always]) {
    const { status, title } = problemKinds[kind];
    const before = responses[status];
    responses[status] = {
      description: before === undefined ? title : `${before.description}, or: ${title}`,
      content: { "application/problem+json": { schema: problemDetails } },
    };
  }
  return responses;
}
