import { existsSync, readdirSync, readFileSync } from "node:fs";

// Kafka's own message definitions, where a copy lies beside the repository.

export const kafkaJsonFolder = new URL("../../../../../shared/kafka-protocol/", import.meta.url);
export const hasKafkaJson = existsSync(kafkaJsonFolder);
export const noKafkaJsonReason = `skipped: no Kafka message definitions in ${kafkaJsonFolder.pathname}`;

export type JsonField = {
  name: string;
  type: string;
  versions?: string;
  nullableVersions?: string;
  taggedVersions?: string;
  flexibleVersions?: string;
  tag?: number;
  default?: string | number | boolean | null;
  fields?: JsonField[];
};

export type JsonMessage = {
  apiKey?: number;
  type: string;
  name: string;
  validVersions: string;
  flexibleVersions: string;
  fields: JsonField[];
  commonStructs?: { name: string; fields: JsonField[] }[];
};

/** Reads "3-7", "4+", "2" or "none". */
export function parseVersions(text: string | undefined): readonly [number, number] | null {
  if (text === undefined || text === "none") return null;
  if (text.endsWith("+")) return [Number(text.slice(0, -1)), Infinity];
  const [from, to] = text.split("-").map(Number);
  if (from === undefined) throw new Error(`versions "${text}"`);
  return [from, to ?? from];
}

/** By message name; what a release no longer defines ("none") is left out. */
export function readDefinitions(
  release: string,
  folders: readonly string[],
): Map<string, JsonMessage> {
  const definitions = new Map<string, JsonMessage>();
  for (const folder of folders) {
    const path = new URL(`${release}/${folder}/`, kafkaJsonFolder);
    if (!existsSync(path)) continue;
    for (const file of readdirSync(path)) {
      const text = readFileSync(new URL(file, path), "utf8").replaceAll(/^\s*\/\/.*$/gm, "");
      const definition = JSON.parse(text) as JsonMessage;
      if (definition.validVersions !== "none") definitions.set(definition.name, definition);
    }
  }
  return definitions;
}
