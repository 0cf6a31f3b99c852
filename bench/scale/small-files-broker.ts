// Myelin in one process as `myelin dev` has it, with WAL files of another size: as many files, footers and rows as a disk full of usual files has, in a
// fraction of the space. Takes the options of `myelin dev` that broker-process.ts gives.
import { flushCompileCache } from "node:module";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createDirectoryObjectStore } from "../../adapters/directory/object-store.ts";
import { createNodeClock } from "../../adapters/node/clock.ts";
import { createNodeDisk } from "../../adapters/node/disk.ts";
import { createNodeNetwork } from "../../adapters/node/network.ts";
import { createNodeRandom } from "../../adapters/node/random.ts";
import { openSqliteMetadataLog } from "../../adapters/sqlite/metadata-log.ts";
import { createCleaner, createInlinePlace } from "../../broker/compaction/remote-cleaner.ts";
import { defaultBrokerConfig } from "../../broker/config.ts";
import { startLocalCell } from "../../sdk/src/local/local-cell.ts";

const { values } = parseArgs({
  allowPositionals: true,
  options: {
    data: { type: "string", default: "" },
    port: { type: "string", default: "" },
    "http-port": { type: "string", default: "" },
  },
});
const fileBytes = Number(process.env["BENCH_FILE_BYTES"]);

const say =
  (level: string) =>
  (message: string, fields: object = {}): void =>
    void process.stderr.write(`${level} ${message} ${JSON.stringify(fields)}\n`);

const clock = createNodeClock();
const cell = await startLocalCell({
  ports: {
    clock,
    random: createNodeRandom(),
    disk: createNodeDisk(),
    network: createNodeNetwork(),
    cleaner: createCleaner(createInlinePlace),
    objects: createDirectoryObjectStore(join(values.data, "objects")),
    metadataLog: await openSqliteMetadataLog(join(values.data, "metadata.db"), {
      clock,
      version: 1,
    }),
  },
  broker: {
    ...defaultBrokerConfig,
    directory: join(values.data, "broker-1"),
    listen: { host: "127.0.0.1", port: Number(values.port) },
    version: "bench",
    log: { fileBytes, chunkBytes: 1024 * 1024 },
  },
  clusterName: "bench",
  log: { debug() {}, info: say("info"), warn: say("warn"), error: say("error") },
  onFatal(error) {
    console.error(error);
    process.exit(1);
  },
});
console.log("Myelin is up");
// As `myelin dev` does: the next start must not compile TypeScript because this one was killed.
flushCompileCache();
process.on("SIGTERM", () => {
  void cell.close().then(() => process.exit(0));
});
