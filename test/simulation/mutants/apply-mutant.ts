import { registerHooks } from "node:module";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { Edit, Mutant } from "./mutant.ts";
import { mutants } from "./mutants.ts";

const root = resolve(import.meta.dirname, "../../..");

export function mutantOf(name: string): Mutant {
  const mutant = mutants.find((each) => each.name === name);
  if (mutant !== undefined) return mutant;
  throw new Error(`no mutant ${name}; there are ${mutants.map((each) => each.name).join(", ")}`);
}

/** Every module loaded from here on is the mutant's: it must be called before the product is imported. */
export function applyMutant({ name, edits }: Mutant): void {
  const byUrl = Map.groupBy(edits, ({ file }) => pathToFileURL(resolve(root, file)).href);
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context);
      const changes = byUrl.get(url);
      if (changes === undefined) return loaded;
      const source = changes.reduce(
        (text, edit) => edited(text, edit, name),
        textOf(loaded.source),
      );
      return { ...loaded, source };
    },
  });
}

function textOf(source: unknown): string {
  if (typeof source === "string") return source;
  return Buffer.from(source as Uint8Array).toString("utf8");
}

export function edited(text: string, { file, find, replace }: Edit, name: string): string {
  const parts = text.split(find);
  if (parts.length !== 2) {
    throw new Error(`${file} has the text of mutant ${name} ${parts.length - 1} times`);
  }
  return parts.join(replace);
}
