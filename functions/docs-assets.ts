import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

/** The files of the reference page, which must work without the internet. */
export type DocsAssets = {
  /** Null if there is no such file. */
  read(name: DocsAssetName): Promise<Uint8Array<ArrayBuffer> | null>;
};

export const docsAssetNames = ["swagger-ui.css", "swagger-ui-bundle.js"] as const;
export type DocsAssetName = (typeof docsAssetNames)[number];

/** As installed beside this code. Read when first asked for, then kept: 1.6 MB that most processes never need. */
export function installedDocsAssets(): DocsAssets {
  const kept = new Map<DocsAssetName, Promise<Uint8Array<ArrayBuffer> | null>>();
  return {
    read(name) {
      const known = kept.get(name);
      if (known !== undefined) return known;
      const reading = readInstalled(name);
      kept.set(name, reading);
      return reading;
    },
  };
}

async function readInstalled(name: DocsAssetName): Promise<Uint8Array<ArrayBuffer> | null> {
  try {
    const manifest = createRequire(import.meta.url).resolve("swagger-ui-dist/package.json");
    return new Uint8Array(await readFile(join(dirname(manifest), name)));
  } catch {
    return null; // Not installed: the page says so and points to the document.
  }
}
