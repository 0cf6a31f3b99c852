// What a broker's container runs, as files: `node infra/assets/build-broker.ts DIRECTORY [arm64|x64]`, as the Dockerfile does.
import { mkdirSync, rmSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { bundle } from "./bundle.ts";
import type { Architecture } from "./modules.ts";
import { installModules } from "./modules.ts";

/** Native code, and a logger that starts files of its own. */
const external = ["@node-rs/crc32", "lz4-napi", "pino", "snappy"];

export function buildBroker(directory: string, architecture: Architecture): void {
  bundleBroker(directory);
  installModules(external, architecture, directory);
}

/** Without the packages that must lie beside it. */
export function bundleBroker(directory: string): void {
  bundle({
    entries: {
      main: "broker/main.ts",
      health: "infra/container/health.ts",
      // The broker starts them as files beside its own.
      "wal-worker": "adapters/node/wal-worker.ts",
      "compaction-worker": "adapters/node/compaction-worker.ts",
    },
    directory,
    external,
  });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const [directory, architecture = process.arch] = process.argv.slice(2);
  if (directory === undefined || (architecture !== "arm64" && architecture !== "x64")) {
    process.stderr.write("usage: node infra/assets/build-broker.ts DIRECTORY [arm64|x64]\n");
    process.exit(2);
  }
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  buildBroker(directory, architecture);
}
