import { describe, expect, test } from "vitest";
import type { Message } from "../../../../protocol/schema/message.ts";
import type { Fields, TypeNode } from "../../../../protocol/schema/types.ts";
import { defaultOf } from "../../../../protocol/schema/zero-value.ts";
import { allMessages, versionsOf } from "./all-messages.ts";
import {
  hasKafkaJson,
  type JsonField,
  type JsonMessage,
  noKafkaJsonReason,
  parseVersions,
  readDefinitions,
} from "./kafka-json.ts";

// Both sides are flattened, version by version, into one line per field in wire order; the lines must be equal. Versions from Kafka 4.4's
// minimum on are compared with 4.4, older ones with 3.9, the last release that had them.

const folders = ["clients", "group-coordinator", "transaction-coordinator", "share-coordinator"];
// Renamed in Kafka 4.1 (KIP-1142), version 0 unchanged.
const nameIn39 = new Map([
  ["ListConfigResourcesRequest", "ListClientMetricsResourcesRequest"],
  ["ListConfigResourcesResponse", "ListClientMetricsResourcesResponse"],
]);
const longMax = 2n ** 63n - 1n;

if (!hasKafkaJson) console.log(noKafkaJsonReason);

describe.skipIf(!hasKafkaJson)("tables against Kafka's definitions", async () => {
  const newest = readDefinitions("4.4", folders);
  const last = readDefinitions("3.9", folders);
  const tables = new Map((await allMessages()).map(({ name, message }) => [name, message]));

  test("every message that Kafka 4.4 defines has a table, and every table a message", () => {
    const expected = [...newest.keys()].map(uncapitalised).sort();
    expect([...tables.keys()].sort()).toEqual(expected);
  });

  test.each([...newest.keys()].sort())(
    "%s is as in Kafka, field by field and version by version",
    (name) => {
      const message = tables.get(uncapitalised(name));
      const inNewest = newest.get(name);
      if (message === undefined || inNewest === undefined) throw new Error(`no table for ${name}`);
      // Coordinator keys and values were numbered differently in 3.9, where old key versions are now record types.
      const isOwnNumbering = inNewest.type.startsWith("coordinator");
      const inLast = isOwnNumbering ? undefined : last.get(nameIn39.get(name) ?? name);
      const newestVersions = parseVersions(inNewest.validVersions) ?? [0, 0];
      const lastVersions = parseVersions(inLast?.validVersions) ?? newestVersions;

      expect(message.key).toBe(inNewest.apiKey ?? null);
      expect(message.versions).toEqual([
        Math.min(newestVersions[0], lastVersions[0]),
        newestVersions[1],
      ]);
      expect(message.flexible).toBe(parseVersions(inNewest.flexibleVersions)?.[0] ?? null);
      for (const version of versionsOf(message)) {
        const definition = version < newestVersions[0] && inLast !== undefined ? inLast : inNewest;
        expect(linesOfTable(message, version), `version ${version}`).toEqual(
          linesOfJson(definition, version),
        );
      }
    },
  );

  test("no table has a field that is in none of its versions", () => {
    for (const [name, message] of tables) {
      const lines = versionsOf(message).flatMap((version) => linesOfTable(message, version));
      const seen = new Set(lines.map((line) => line.split(" ")[0]));
      expect(
        namesOf(message.fields, "").filter((path) => !seen.has(path)),
        name,
      ).toEqual([]);
    }
  });
});

type Line = {
  path: string;
  type: string;
  isNullable: boolean;
  tag: number | undefined;
  isClassic: boolean;
  defaultText: string;
};

function format(line: Line): string {
  const { path, type, isNullable, tag, isClassic, defaultText } = line;
  const flags = `${isNullable ? " nullable" : ""}${isClassic ? " classic" : ""}`;
  return `${path} ${type}${flags}${tag === undefined ? "" : ` tag ${tag}`} = ${defaultText}`;
}

function linesOfTable(message: Message<unknown, unknown>, version: number): string[] {
  return linesOfFields(message.fields, version, "");
}

function linesOfFields(fields: Fields, version: number, prefix: string): string[] {
  const lines: string[] = [];
  for (const [name, field] of Object.entries(fields)) {
    if (field.versions !== undefined && !within(field.versions, version)) continue;
    const path = `${prefix}${name}`;
    lines.push(
      format({
        path,
        type: typeText(field),
        isNullable: field.nullable !== undefined && within(field.nullable, version),
        tag: field.tag,
        isClassic: field.classic === true,
        defaultText:
          field.kind === "struct" && field.defaultValue !== null
            ? "struct"
            : valueText(defaultOf(field)()),
      }),
    );
    const inner = field.kind === "array" ? field.element : field;
    if (inner.kind === "struct") lines.push(...linesOfFields(inner.fields, version, `${path}.`));
  }
  return lines;
}

function namesOf(fields: Fields, prefix: string): string[] {
  return Object.entries(fields).flatMap(([name, field]) => {
    const inner = field.kind === "array" ? field.element : field;
    const below = inner.kind === "struct" ? namesOf(inner.fields, `${prefix}${name}.`) : [];
    return [`${prefix}${name}`, ...below];
  });
}

function typeText(node: TypeNode): string {
  return node.kind === "array" ? `[]${typeText(node.element)}` : node.kind;
}

function linesOfJson(definition: JsonMessage, version: number): string[] {
  const structs = new Map(
    (definition.commonStructs ?? []).map(({ name, fields }) => [name, fields]),
  );
  const walk = (fields: JsonField[], prefix: string): string[] => {
    const lines: string[] = [];
    for (const field of fields) {
      if (!isIn(field.versions ?? field.taggedVersions, version)) continue;
      const path = `${prefix}${uncapitalised(field.name)}`;
      const element = field.type.replace("[]", "");
      const isStruct = /^[A-Z]/.test(element);
      const type = isStruct ? field.type.replace(element, "struct") : field.type;
      const isNullable = isIn(field.nullableVersions, version);
      lines.push(
        format({
          path,
          type,
          isNullable,
          tag: isIn(field.taggedVersions, version) ? field.tag : undefined,
          isClassic: field.flexibleVersions === "none",
          defaultText: jsonDefault(field, type),
        }),
      );
      if (isStruct) lines.push(...walk(field.fields ?? structs.get(element) ?? [], `${path}.`));
    }
    return lines;
  };
  return walk(definition.fields, "");
}

/** As Kafka's generator reads a default: text in the JSON, zero of the type where there is none. */
function jsonDefault(field: JsonField, type: string): string {
  const given = field.default;
  if (given === null || given === "null") return "null";
  if (type === "struct") return "struct";
  if (type.startsWith("[]") || type === "bytes") return "empty";
  if (type === "records") return field.nullableVersions === undefined ? "empty" : "null";
  if (type === "string") return `"${given ?? ""}"`;
  if (type === "bool") return String(given ?? false);
  if (type === "uuid") return '"AAAAAAAAAAAAAAAAAAAAAA"';
  return String(given === undefined || given === "" ? 0n : BigInt(given));
}

function valueText(value: unknown): string {
  if (Array.isArray(value) || value instanceof Uint8Array) return "empty";
  if (typeof value === "string") return `"${value}"`;
  return value === Number.MAX_SAFE_INTEGER ? String(longMax) : String(value);
}

function isIn(versions: string | undefined, version: number): boolean {
  const range = parseVersions(versions);
  return range !== null && within(range, version);
}

function within(range: readonly [number, number], version: number): boolean {
  return version >= range[0] && version <= range[1];
}

function uncapitalised(name: string): string {
  return name.charAt(0).toLowerCase() + name.slice(1);
}
