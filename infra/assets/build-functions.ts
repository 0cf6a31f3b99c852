import { cpSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { bundle } from "./bundle.ts";
import type { Architecture } from "./modules.ts";
import { installModules } from "./modules.ts";
import { repository } from "./repository.ts";

/** File of a function -> its entry; each exports `handler`. */
export const functionEntries = {
  api: "functions/entries/api.ts",
  reconcile: "functions/entries/reconcile.ts",
  maintain: "functions/entries/maintain.ts",
  "custom-resource": "functions/entries/custom-resource.ts",
} as const;

/** The checksums of what goes to S3. */
const native = ["@node-rs/crc32"];
/** Of the page at /docs, which reads them from their package's folder; the rest of it is seven times as much. */
const docsFiles = ["package.json", "swagger-ui.css", "swagger-ui-bundle.js"];

/** The control plane's functions in one directory: they share most of their code, and are uploaded once. */
export function buildFunctions(directory: string, architecture: Architecture): void {
  bundleFunctions(directory);
  installModules(native, architecture, directory);
  const docs = "node_modules/swagger-ui-dist";
  mkdirSync(join(directory, docs), { recursive: true });
  for (const file of docsFiles) cpSync(join(repository, docs, file), join(directory, docs, file));
}

/** Without the packages that must lie beside it. */
export function bundleFunctions(directory: string): void {
  bundle({
    entries: functionEntries,
    directory,
    external: [...native, "swagger-ui-dist"],
  });
}
