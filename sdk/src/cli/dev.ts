import { mkdirSync } from "node:fs";
import { flushCompileCache } from "node:module";
import { join, relative } from "node:path";
import { createDirectoryObjectStore } from "../../../adapters/directory/object-store.ts";
import { createNodeClock } from "../../../adapters/node/clock.ts";
import { createNodeDisk } from "../../../adapters/node/disk.ts";
import { createNodeNetwork } from "../../../adapters/node/network.ts";
import { openFileLimit } from "../../../adapters/node/open-file-limit.ts";
import { createNodeRandom } from "../../../adapters/node/random.ts";
import { MetadataFormatError } from "../../../adapters/sqlite/metadata-file.ts";
import { openSqliteMetadataLog } from "../../../adapters/sqlite/metadata-log.ts";
import { defaultBrokerConfig } from "../../../broker/config.ts";
import { DirectoryError } from "../../../broker/identity.ts";
import { defaultServerLimits } from "../../../broker/server/server-limits.ts";
import { RecoveryError } from "../../../broker/log/wal-recovery.ts";
import type { ServedApi } from "../../../functions/server.ts";
import { DiskError } from "../../../ports/disk.ts";
import { MetadataLogError } from "../../../ports/metadata-log.ts";
import { NetworkError } from "../../../ports/network.ts";
import type { LocalCell } from "../local/local-cell.ts";
import { startLocalCell } from "../local/local-cell.ts";
import { createConsoleLog } from "./console-log.ts";
import { CliError } from "./failure.ts";
import type { Output } from "./output.ts";
import { portOwner } from "./port-owner.ts";
import { version } from "./version.ts";

export type DevOptions = {
  data: string;
  host: string;
  port: number;
  httpPort: number;
  cluster: string;
  logLevel: string;
  logFormat: "pretty" | "json";
};

/** `myelin dev`, which `npm start` runs: metadata log, one broker and the control plane in this process, until it is told to stop. */
export async function runDev(options: DevOptions, output: Output): Promise<number> {
  const log = createConsoleLog(options);
  let end: (code: number) => void = () => {};
  const ended = new Promise<number>((resolve) => {
    end = resolve;
  });
  const fail = (error: Error): void => {
    log.error(
      "Myelin stops: going on could lose acknowledged records. Start it again; what is on disk is recovered.",
      { error: error.message },
    );
    end(1);
  };
  const running = await start(options, log, fail);
  sayIfFilesAreFew(log);
  welcome(options, running, output);
  listenForStop(running, end);
  // Kept for the next start now: who is killed has no later.
  flushCompileCache();
  const code = await ended;
  if (code !== 0) process.exit(code);
  return code;
}

/** WAL files, indexes and what Node itself has open. */
const filesBesideConnections = 1_000;

/** Past the limit new connections are closed as they come, and nothing else says why. */
function sayIfFilesAreFew(log: ReturnType<typeof createConsoleLog>): void {
  const limit = openFileLimit();
  const { maxConnections } = defaultServerLimits;
  if (limit === null || limit >= maxConnections + filesBesideConnections) return;
  log.warn(
    `Only ${limit} files and connections may be open at once, and ${maxConnections} clients may connect: raise the hard limit (ulimit -Hn) if as many will.`,
  );
}

type Running = { cell: LocalCell; http: ServedApi };

async function start(
  options: DevOptions,
  log: ReturnType<typeof createConsoleLog>,
  onFatal: (error: Error) => void,
): Promise<Running> {
  const clock = createNodeClock();
  try {
    mkdirSync(options.data, { recursive: true });
    const cell = await startLocalCell({
      ports: {
        clock,
        random: createNodeRandom(),
        disk: createNodeDisk(),
        network: createNodeNetwork(),
        objects: createDirectoryObjectStore(join(options.data, "objects")),
        metadataLog: await openSqliteMetadataLog(join(options.data, "metadata.db"), {
          clock,
          version: 1,
        }),
      },
      broker: {
        ...defaultBrokerConfig,
        directory: join(options.data, "broker-1"),
        listen: { host: options.host, port: options.port },
        version,
        // On a laptop groups have few members and nobody wants to wait three seconds for the first message.
        groups: { initialRebalanceDelayMs: 0 },
      },
      clusterName: options.cluster,
      log,
      onFatal,
    });
    try {
      return { cell, http: await serve(cell, options) };
    } catch (error) {
      await cell.close();
      throw error;
    }
  } catch (error) {
    throw explain(error, options);
  }
}

async function serve(cell: LocalCell, { host, httpPort }: DevOptions): Promise<ServedApi> {
  // Loaded when the broker listens already, as the app is.
  const { ServeError, serveApi } = await import("../../../functions/server.ts");
  try {
    return await serveApi(cell.app, { host, port: httpPort });
  } catch (error) {
    if (!(error instanceof ServeError)) throw error;
    if (error.code === "inUse") throw portInUse(httpPort, "--http-port", httpPort + 1);
    throw new CliError(`Myelin cannot start: ${error.message}.`);
  }
}

/** What went wrong at the start, and what to do, in words. */
function explain(error: unknown, options: DevOptions): unknown {
  if (error instanceof NetworkError && error.code === "inUse")
    return portInUse(options.port, "--port", options.port + 100);
  if (error instanceof DirectoryError) return new CliError(error.message);
  if (error instanceof MetadataFormatError) return new CliError(`${error.message}. ${advice}`);
  const isExpected = expectedFailures.some((kind) => error instanceof kind) || isSystemError(error);
  if (isExpected) return new CliError(`Myelin cannot start: ${(error as Error).message}.`);
  return error;
}

const advice = "Start that version or a newer one, or another directory with --data.";
const expectedFailures = [RecoveryError, DiskError, MetadataLogError, NetworkError];

/** Of a call to the operating system: a directory that may not be written, a path that is a file. */
function isSystemError(error: unknown): boolean {
  return typeof (error as NodeJS.ErrnoException).syscall === "string";
}

function portInUse(port: number, flag: string, other: number): CliError {
  const owner = portOwner(port);
  const who =
    owner === null ? "another process" : `another process (pid ${owner.pid}, ${owner.name})`;
  return new CliError(`Port ${port} is in use by ${who}. Stop it, or start with ${flag} ${other}.`);
}

function welcome(options: DevOptions, { cell, http }: Running, output: Output): void {
  const { cluster, broker } = cell;
  const address = broker.address(cluster.clusterId);
  const shown = relative(process.cwd(), options.data);
  const data = shown === "" || shown.startsWith("..") ? options.data : `./${shown}`;
  output.line(`Myelin is up (1 broker, data in ${data})`);
  output.line("");
  output.line(`  Kafka        ${address?.host}:${address?.port}`);
  output.line(`  HTTP API     ${http.url}   reference: ${http.url}/docs`);
  output.line(`  Cluster      ${cluster.name}  (${cluster.clusterId})`);
  output.line("");
  const flags = http.port === 8080 ? "" : ` --url ${http.url}`;
  output.line(`  npx --no myelin topic create orders --partitions 6${flags}`);
  output.line(`  echo 'k1:hello' | npx --no myelin produce orders --key-separator :${flags}`);
  output.line(`  npx --no myelin consume orders --from-beginning${flags}`);
  output.line("");
  output.line("Ctrl-C stops it; the data stays.");
}

/** Past this a stop has hung, and what is on disk is recovered at the next start. */
const stopLimitMs = 30_000;

/** The first signal stops in order, the second at once; neither loses anything that was acknowledged. */
function listenForStop({ cell, http }: Running, end: (code: number) => void): void {
  let isStopping = false;
  const stop = (): void => {
    if (isStopping) process.exit(130);
    isStopping = true;
    setTimeout(() => {
      process.stderr.write(`Stopping took more than ${stopLimitMs / 1000} s: ended at once.\n`);
      process.exit(1);
    }, stopLimitMs).unref();
    void http
      .close()
      .then(() => cell.close())
      .then(() => end(0))
      .catch((error: unknown) => {
        process.stderr.write(`Stopping failed: ${String(error)}\n`);
        end(1);
      });
  };
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
}
