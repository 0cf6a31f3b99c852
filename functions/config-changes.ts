import type { z } from "@hono/zod-openapi";
import { topicSettingByName } from "../metadata/settings/topic-setting-table.ts";
import type { FieldPath } from "./change.ts";
import { Problem } from "./problem.ts";
import type { createTopicRequest } from "./shapes/topic.ts";
import { jsonPointer } from "./wrong-fields.ts";

type NamedValue = { name: string; value?: string | null | undefined };

/** Confluent's array of names and values as a map. A name given twice is refused: neither value is what was meant. */
export function namedValues(
  list: z.infer<typeof createTopicRequest>["configs"],
): Record<string, string | null> {
  const seen = new Set<string>();
  for (const [index, { name }] of (list ?? []).entries()) {
    if (seen.has(name)) {
      const detail = `configs names ${name.slice(0, 100)} twice`;
      throw new Problem("invalid-fields", detail, {
        errors: [{ pointer: jsonPointer(["configs", index, "name"]), in: "body", detail }],
        kafkaErrorCode: "INVALID_REQUEST",
      });
    }
    seen.add(name);
  }
  return Object.fromEntries((list ?? []).map(({ name, value }) => [name, value ?? null]));
}

/** Commands name a setting `configs/<name>`; in the body it stands somewhere in the array `at`. */
export function configPath(at: string, list: readonly NamedValue[] | undefined): FieldPath {
  return (field) => {
    if (!field.startsWith("configs/")) return field.split("/");
    const name = field.slice("configs/".length);
    const index = (list ?? []).findLastIndex((each) => each.name === name);
    if (index === -1) return [at];
    return [at, index, topicSettingByName.has(name) ? "value" : "name"];
  };
}
