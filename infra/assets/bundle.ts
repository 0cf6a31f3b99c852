import { buildSync } from "esbuild";
import { repository } from "./repository.ts";

export type BundleOptions = {
  /** Name of the file that is made (without `.mjs`) -> entry file, from the repository's root. */
  readonly entries: Readonly<Record<string, string>>;
  readonly directory: string;
  /** Packages that stay out: native code, or files of their own. They must lie beside the bundle. */
  readonly external: readonly string[];
};

/** Makes ES modules for Node 24 out of TypeScript, the AWS SDK included: what was tested is what runs. */
export function bundle({ entries, directory, external }: BundleOptions): void {
  buildSync({
    absWorkingDir: repository,
    entryPoints: { ...entries },
    outdir: directory,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    splitting: true,
    // Beside the entries: what finds a file by import.meta.url finds it from either.
    chunkNames: "[name]-[hash]",
    format: "esm",
    platform: "node",
    target: "node24",
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: "none",
    external: [...external],
    logLevel: "error",
    banner: {
      // CommonJS dependencies in an ES module still call require for Node's own modules.
      js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
    },
  });
}
