import type { z } from "@hono/zod-openapi";
import type { WrongField } from "./api-types.ts";
import { Problem } from "./problem.ts";

/** More wrong fields than this are not listed: an array of a thousand mistakes needs no thousand answers. */
const maxListed = 50;

export type RequestPart = WrongField["in"];

type Issue = z.core.$ZodIssue;

const parts: Readonly<Record<string, RequestPart>> = {
  json: "body",
  query: "query",
  param: "path",
  header: "header",
};

/** What a schema found wrong in `input`, as one problem that names each field and what stands there. */
export function invalidInput(target: string, issues: readonly Issue[], input: unknown): Problem {
  const part = parts[target] ?? "body";
  const errors = issues.flatMap((issue) => wrongFields(issue, part, input)).slice(0, maxListed);
  const shown = errors.slice(0, 3).map((each) => each.detail);
  const more = errors.length > 3 ? `; and ${errors.length - 3} more, see errors` : "";
  const kind = part === "body" ? "invalid-fields" : "malformed-request";
  return new Problem(kind, shown.join("; ") + more, { errors, kafkaErrorCode: "INVALID_REQUEST" });
}

/** A JSON pointer as RFC 9457 shows them: RFC 6901 in the form of a URI fragment. */
export function jsonPointer(path: readonly PropertyKey[]): string {
  return `#${path.map((step) => `/${escapeStep(String(step))}`).join("")}`;
}

function escapeStep(step: string): string {
  const shown = step.length > 100 ? `${step.slice(0, 100)}...` : step;
  // A lone surrogate is legal in a JSON name and no URI: encodeURIComponent would throw on it.
  return encodeURIComponent(shown.toWellFormed().replaceAll("~", "~0").replaceAll("/", "~1"));
}

function wrongFields(issue: Issue, part: RequestPart, input: unknown): WrongField[] {
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => ({
      pointer: jsonPointer([...issue.path, key]),
      in: part,
      detail: `${fieldName([...issue.path, key])} is not a field of this request`,
    }));
  }
  const value = valueAt(input, issue.path);
  const detail = `${fieldName(issue.path)} ${complaint(issue, value)}`;
  return [{ pointer: jsonPointer(issue.path), in: part, detail }];
}

function fieldName(path: readonly PropertyKey[]): string {
  const name = path
    .map((step) => (typeof step === "number" ? `[${step}]` : `.${String(step)}`))
    .join("")
    .replace(/^\./, "");
  return name === "" ? "the body" : cut(name);
}

function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  let value = input;
  for (const step of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, step))
      return undefined;
    value = (value as Record<PropertyKey, unknown>)[step];
  }
  return value;
}

const expectations: Readonly<Record<string, string>> = {
  string: "a string",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "an array",
  object: "an object",
  record: "an object",
};

function complaint(issue: Issue, value: unknown): string {
  switch (issue.code) {
    case "invalid_type":
      return `${isWhat(value)}; it must be ${expectations[issue.expected] ?? issue.expected}`;
    case "invalid_value":
      return `${isWhat(value)}; it must be ${issue.values.map(String).join(" or ")}`;
    case "too_big":
      return `${hasSize(value, issue.origin)}; the limit is ${String(issue.maximum)}`;
    case "too_small":
      return `${hasSize(value, issue.origin)}; the least is ${String(issue.minimum)}`;
    case "invalid_key":
      return "has a name that is too long";
    case "invalid_format":
    case "not_multiple_of":
    case "unrecognized_keys":
    case "invalid_union":
    case "invalid_element":
    case "custom":
      return `${isWhat(value)}: ${issue.message}`;
  }
}

function isWhat(value: unknown): string {
  if (value === undefined) return "is missing";
  if (Array.isArray(value)) return "is an array";
  if (typeof value === "object" && value !== null) return "is an object";
  return `is ${cut(JSON.stringify(value))}`;
}

/** `origin` is what was measured: a number in a query stands there as a string, and its length is not what is wrong. */
function hasSize(value: unknown, origin: string): string {
  if (typeof value === "string" && origin === "string") return `has ${value.length} characters`;
  return Array.isArray(value) ? `has ${value.length} entries` : isWhat(value);
}

function cut(text: string): string {
  return (text.length > 100 ? `${text.slice(0, 100)}...` : text).toWellFormed();
}
