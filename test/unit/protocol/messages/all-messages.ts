import { readdirSync } from "node:fs";
import type { Message } from "../../../../protocol/schema/message.ts";

// Every table in the two folders of tables, found by what the files export, so that a new one is tested by being there.

export type NamedMessage = { readonly name: string; readonly message: Message<unknown, unknown> };

const folders = ["messages", "internal-topics"].map(
  (folder) => new URL(`../../../../protocol/${folder}/`, import.meta.url),
);

export async function allMessages(): Promise<NamedMessage[]> {
  const found: NamedMessage[] = [];
  for (const folder of folders) {
    for (const file of readdirSync(folder).sort()) {
      const exports = (await import(new URL(file, folder).href)) as Record<string, unknown>;
      for (const [name, value] of Object.entries(exports)) {
        if (isMessage(value)) found.push({ name, message: value });
      }
    }
  }
  return found;
}

function isMessage(value: unknown): value is Message<unknown, unknown> {
  return typeof value === "object" && value !== null && "codecs" in value && "fields" in value;
}

export function versionsOf(message: Message<unknown, unknown>): number[] {
  const [from, to] = message.versions;
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}
