// Makes dist/, which is the package as it is published: bundles that need no TypeScript under node_modules (Node strips none there), the declarations of
// the public types, and a package.json of its own. The SDK's own bundle needs no other package at all.
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
/** Another directory may be named, for tests. */
const dist = resolve(process.argv[2] ?? join(here, "dist"));
const root = join(here, "..");

/** Loaded from node_modules by the test broker and the command line: native code, files of their own, worker threads. */
const external = ["@node-rs/crc32", "lz4-napi", "pino", "pino-pretty", "snappy", "swagger-ui-dist"];

async function main(): Promise<void> {
  rmSync(dist, { recursive: true, force: true });
  mkdirSync(join(dist, "bin"), { recursive: true });
  await bundle();
  declare();
  cpSync(join(here, "bin/myelin.js"), join(dist, "bin/myelin.js"));
  cpSync(join(root, "LICENSE"), join(dist, "LICENSE"));
  cpSync(join(here, "README.md"), join(dist, "README.md"));
  writeFileSync(join(dist, "package.json"), `${JSON.stringify(published(), null, 2)}\n`);
}

async function bundle(): Promise<void> {
  await build({
    absWorkingDir: here,
    entryPoints: {
      sdk: "src/sdk.ts",
      testing: "src/testing.ts",
      cli: "src/cli/main.ts",
      // The broker starts them as files beside the bundle.
      "wal-worker": "../adapters/node/wal-worker.ts",
      "compaction-worker": "../adapters/node/compaction-worker.ts",
    },
    outdir: dist,
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node22.22",
    legalComments: "linked",
    external,
    alias: {
      // The plain one reads native.wasm from its package's folder, which a bundle does not have.
      "@platformatic/wasm-utils": "@platformatic/wasm-utils/bundled",
    },
    banner: {
      // CommonJS dependencies in an ES module still call require for Node's own modules.
      js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
    },
  });
}

function declare(): void {
  const tsc = createRequire(import.meta.url).resolve("typescript/package.json");
  execFileSync(
    process.execPath,
    [
      join(dirname(tsc), "bin/tsc"),
      "-p",
      join(here, "tsconfig.build.json"),
      "--outDir",
      join(dist, "types"),
    ],
    { stdio: "inherit" },
  );
}

type PackageFile = {
  name: string;
  version: string;
  description: string;
  license: string;
  engines: Record<string, string>;
  dependencies: Record<string, string>;
};

function readPackage(directory: string): PackageFile {
  return JSON.parse(readFileSync(join(directory, "package.json"), "utf8")) as PackageFile;
}

function published(): object {
  const own = readPackage(here);
  const { dependencies } = readPackage(root);
  return {
    name: own.name,
    version: own.version,
    description: own.description,
    license: own.license,
    type: "module",
    bin: { myelin: "./bin/myelin.js" },
    exports: {
      ".": { types: "./types/sdk/src/sdk.d.ts", default: "./sdk.js" },
      "./testing": { types: "./types/sdk/src/testing.d.ts", default: "./testing.js" },
      "./package.json": "./package.json",
    },
    dependencies: Object.fromEntries(external.map((name) => [name, dependencies[name]])),
    engines: own.engines,
  };
}

await main();
