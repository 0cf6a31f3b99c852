import { flushCompileCache } from "node:module";
import type { LogOutput } from "../../../broker/log-output.ts";
import type { ServedApi } from "../../../adapters/node/http-server.ts";
import type { MetadataReplica } from "../../../metadata/log/replica.ts";
import type { CellMetadata, CellMetadataPorts } from "../local/cell-metadata.ts";
import { openCellMetadata } from "../local/cell-metadata.ts";
import type { BrokerSet, RunningBroker } from "./broker-set.ts";
import { createBrokerSet } from "./broker-set.ts";
import type { DevOptions } from "./cell-options.ts";
import { createConsoleLog } from "./console-log.ts";
import { openCellMetadataPorts, sayIfFilesAreFew } from "./local-world.ts";
import type { Output } from "./output.ts";
import { createProcessLife } from "../../../broker/process-life.ts";
import { serveHttp } from "./serve-http.ts";
import { httpPortOf, kafkaPortOf, startCommand } from "./slots.ts";
import { explainStart } from "./start-failure.ts";
import { version } from "./version.ts";
import { sayWelcome } from "./welcome.ts";

const controlPlaneStops = "The control plane stops, and the brokers with it.";
/** A little more than a broker takes at most. */
const stopLimitMs = 125_000;

/** `myelin dev --brokers`: the control plane in this process and each broker in one of its own, until it is told to stop. */
export async function runDevBrokers(options: DevOptions, output: Output): Promise<number> {
  const log = createConsoleLog(options);
  const life = createProcessLife(log, controlPlaneStops);
  sayIfFilesAreFew(log);
  const cell = await start(options, { log, onFatal: life.fail });
  const ended = life.untilStopped({
    limitMs: stopLimitMs,
    close: () => cell.close(),
    atOnce: () => cell.brokers.kill(),
  });
  welcome(options, cell, output);
  flushCompileCache();
  const code = await ended;
  if (code !== 0) process.exit(code);
  return code;
}

type Running = {
  readonly member: CellMetadata;
  readonly http: ServedApi;
  readonly brokers: BrokerSet;
  readonly running: readonly RunningBroker[];
  close(): Promise<void>;
};

async function start(
  options: DevOptions,
  { log, onFatal }: { log: LogOutput; onFatal: (error: Error) => void },
): Promise<Running> {
  await using starting = new AsyncDisposableStack();
  const { ports, member } = await join(options, { log, onFatal });
  starting.defer(() => member.close());
  const brokers = createBrokerSet(options, log);
  starting.defer(() => brokers.stop());
  const urls = expectedUrls(options);
  const serving = serve(options, { log, ports, member, urls });
  starting.defer(() =>
    serving.then(
      (http) => http.close(),
      () => undefined,
    ),
  );
  const [http, running] = await Promise.all([serving, brokers.start()]);
  for (const { slot, url } of running) urls.set(slot, url);
  const started = starting.move();
  return { member, http, brokers, running, close: () => started.disposeAsync() };
}

async function join(
  options: DevOptions,
  { log, onFatal }: { log: LogOutput; onFatal: (error: Error) => void },
): Promise<{ ports: CellMetadataPorts; member: CellMetadata }> {
  try {
    const ports = await openCellMetadataPorts(options.data);
    return {
      ports,
      member: await openCellMetadata({ ports, clusterName: options.cluster, log, onFatal }),
    };
  } catch (error) {
    throw explainStart(error, { port: options.port, advice: `--port ${options.port + 100}` });
  }
}

type Serving = {
  log: LogOutput;
  ports: CellMetadataPorts;
  member: CellMetadata;
  urls: ReadonlyMap<number, string>;
};

async function serve(
  options: DevOptions,
  { log, ports, member, urls }: Serving,
): Promise<ServedApi> {
  const { host, httpPort } = options;
  const { createApi } = await import("../../../functions/api.ts");
  const { replica } = member;
  const app = createApi({
    replica,
    clock: ports.clock,
    random: ports.random,
    log,
    config: {
      version,
      kafka: { host, port: kafkaPortOf(options, 1) },
      httpEndpoint: () => endpoint(replica, urls),
    },
  });
  const wanted = { port: httpPort, advice: `--http-port ${httpPort + 100}` };
  return serveHttp(app, { host, wanted });
}

/** Where the brokers of each slot will serve HTTP; those on free ports will say. */
function expectedUrls(options: DevOptions): Map<number, string> {
  const { host, brokers, httpPort } = options;
  if (httpPort === 0) return new Map();
  const shownHost = host.includes(":") ? `[${host}]` : host;
  return new Map(
    Array.from({ length: brokers }, (_, index) => [
      index + 1,
      `http://${shownHost}:${httpPortOf(options, index + 1)}`,
    ]),
  );
}

/** At a broker that is in service, where there is one. */
function endpoint({ image }: MetadataReplica, urls: ReadonlyMap<number, string>): string {
  const active = [...image.brokers.values()].filter(({ state }) => state === "active");
  const slots = [...active.map(({ slot }) => slot), ...urls.keys()];
  return slots.map((slot) => urls.get(slot)).find((url) => url !== undefined) ?? "";
}

function welcome(options: DevOptions, { member, http, running }: Running, output: Output): void {
  const lines = running.map(
    ({ slot, brokerId, kafka, zone, pid, url }) =>
      `  broker ${slot}     ${kafka}  id ${brokerId}  ${zone}  pid ${pid}  ${url}/metrics`,
  );
  const last = running.at(-1);
  const again = last === undefined ? "" : startCommand(options, last.slot, last.zone);
  const kill = `kill -9 ${last?.pid}`;
  const width = Math.max(again.length, kill.length);
  sayWelcome(output, {
    data: options.data,
    brokerCount: running.length,
    kafka: running.map(({ kafka }) => kafka).join(","),
    http,
    cluster: member.cluster,
    more: [
      ...lines,
      "",
      `  ${kill.padEnd(width)}  ends one as a crash would: the others go on`,
      `  ${again.padEnd(width)}  starts it again`,
      "",
    ],
    end: "Ctrl-C stops them all; the data stays.",
  });
}
