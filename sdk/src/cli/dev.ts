import { flushCompileCache } from "node:module";
import type { LogOutput } from "../../../broker/log-output.ts";
import type { ServedApi } from "../../../adapters/node/http-server.ts";
import type { LocalCell } from "../local/local-cell.ts";
import { startLocalCell } from "../local/local-cell.ts";
import type { CellOptions } from "./cell-options.ts";
import { createConsoleLog } from "./console-log.ts";
import { localBrokerConfig, openNodePorts, sayIfFilesAreFew } from "./local-world.ts";
import type { Output } from "./output.ts";
import { brokerStops, createProcessLife } from "../../../broker/process-life.ts";
import type { ProcessLife } from "../../../broker/process-life.ts";
import { serveHttp } from "./serve-http.ts";
import { slotsIn } from "./slots.ts";
import { explainStart } from "./start-failure.ts";
import { sayWelcome } from "./welcome.ts";

const stopLimitMs = 30_000;
const asleepPauseMs = 3_000;

/** `myelin dev`, which `npm start` runs: metadata log, one broker and the control plane in this process, until it is told to stop. */
export async function runDev(options: CellOptions, output: Output): Promise<number> {
  const log = createConsoleLog(options);
  const life = createProcessLife(log, brokerStops);
  const { cell, http } = await start(options, { log, life });
  const ended = life.untilStopped({
    limitMs: stopLimitMs,
    async close() {
      await http.close();
      await cell.close();
    },
  });
  sayIfFilesAreFew(log);
  welcome(options, { cell, http }, output);
  // Kept for the next start now: who is killed has no later.
  flushCompileCache();
  const code = await ended;
  if (code !== 0) process.exit(code);
  return code;
}

type Running = { cell: LocalCell; http: ServedApi };

async function start(
  options: CellOptions,
  { log, life }: { log: LogOutput; life: ProcessLife },
): Promise<Running> {
  const { host, port, httpPort } = options;
  try {
    const cell = await startLocalCell({
      ports: await openNodePorts(options.data),
      broker: localBrokerConfig(options, { slot: 1, zone: "" }),
      clusterName: options.cluster,
      log,
      onFatal: life.fail,
      // Whoever asked for sleep looks for its end, once a second.
      onAsleep: () => void setTimeout(() => life.stop(), asleepPauseMs),
    });
    try {
      const wanted = { port: httpPort, advice: `--http-port ${httpPort + 1}` };
      return { cell, http: await serveHttp(cell.app, { host, wanted }) };
    } catch (error) {
      await cell.close();
      throw error;
    }
  } catch (error) {
    throw explainStart(error, { port, advice: `--port ${port + 100}` });
  }
}

function welcome(options: CellOptions, { cell, http }: Running, output: Output): void {
  const { cluster, broker } = cell;
  const address = broker.address(cluster.clusterId);
  const before = slotsIn(options);
  sayWelcome(output, {
    data: options.data,
    brokerCount: 1,
    kafka: `${address?.host}:${address?.port}`,
    http,
    cluster,
    more:
      before === 1
        ? []
        : [`  ${before} brokers have lived here: --brokers ${before} starts them all`, ""],
    end: "Ctrl-C stops it; the data stays.",
  });
}
