import { flushCompileCache } from "node:module";
import type { LogOutput } from "../../../broker/log-output.ts";
import type { ServedApi } from "../../../adapters/node/http-server.ts";
import type { BrokerNode } from "../local/broker-node.ts";
import { startBrokerNode } from "../local/broker-node.ts";
import type { BrokerUp } from "./broker-child.ts";
import type { BrokerOptions } from "./cell-options.ts";
import { createConsoleLog } from "./console-log.ts";
import { localBrokerConfig, openNodePorts, sayIfFilesAreFew } from "./local-world.ts";
import type { Output } from "./output.ts";
import { brokerStops, createProcessLife } from "../../../broker/process-life.ts";
import type { ProcessLife } from "../../../broker/process-life.ts";
import { serveHttp } from "./serve-http.ts";
import { directoryOf, httpPortOf, kafkaPortOf, zoneOf } from "./slots.ts";
import { explainStart } from "./start-failure.ts";
import { shownPath } from "./welcome.ts";

/** Longer than a drain may take (replication.md C5). */
const stopLimitMs = 120_000;

/** `myelin broker`: one broker of a cell in this process, until it is told to stop, or whoever started it with a channel to it is gone. */
export async function runBroker(options: BrokerOptions, output: Output): Promise<number> {
  const log = createConsoleLog({ ...options, broker: options.slot });
  const life = createProcessLife(log, brokerStops);
  let isUp = false;
  const leaveParent = endWithParent(() => (isUp ? life.stop() : process.exit(1)));
  try {
    const running = await start(options, { log, life });
    isUp = true;
    const ended = life.untilStopped({ limitMs: stopLimitMs, close: () => close(running) });
    if (process.send === undefined) {
      sayIfFilesAreFew(log);
      sayUp(options, running, output);
    } else report(running);
    flushCompileCache();
    const code = await ended;
    if (code !== 0) process.exit(code);
    return code;
  } finally {
    leaveParent();
  }
}

/** Only processes started with a channel have a parent to miss: in a shell there is none. The result gives up the channel, which keeps the process. */
function endWithParent(end: () => void): () => void {
  if (process.send === undefined) return () => undefined;
  if (!process.connected) end();
  process.once("disconnect", end);
  return () => {
    process.off("disconnect", end);
    if (process.connected) process.disconnect();
  };
}

async function close({ node, http }: Running): Promise<void> {
  await http.close();
  await node.close();
}

type Running = { node: BrokerNode; http: ServedApi };

async function start(
  options: BrokerOptions,
  { log, life }: { log: LogOutput; life: ProcessLife },
): Promise<Running> {
  const { slot, host } = options;
  try {
    const node = await startBrokerNode({
      ports: await openNodePorts(options.data),
      broker: localBrokerConfig(options, { slot, zone: options.zone ?? zoneOf(slot) }),
      clusterName: options.cluster,
      log,
      onFatal: life.fail,
      onAsleep: () => life.stop(),
    });
    try {
      return { node, http: await serve(node, { host, options }) };
    } catch (error) {
      await node.close();
      throw error;
    }
  } catch (error) {
    const advice = `--port ${options.port + 100}`;
    throw explainStart(error, { port: kafkaPortOf(options, slot), advice });
  }
}

async function serve(
  node: BrokerNode,
  { host, options }: { host: string; options: BrokerOptions },
): Promise<ServedApi> {
  const { brokerNodeApp } = await import("../local/broker-node-app.ts");
  const port = httpPortOf(options, options.slot);
  const wanted = { port, advice: `--http-port ${options.httpPort + 100}` };
  return serveHttp(brokerNodeApp(node), { host, wanted });
}

function describe({ node, http }: Running): BrokerUp {
  const { broker, cluster } = node;
  const { host, port } = broker.address(cluster.clusterId) ?? { host: "", port: 0 };
  return { brokerId: broker.brokerId, kafka: `${host}:${port}`, url: http.url };
}

function report(running: Running): void {
  // A parent that is gone needs to know no more; its end is heard of elsewhere.
  process.send?.(describe(running), undefined, {}, () => undefined);
}

function sayUp(options: BrokerOptions, running: Running, output: Output): void {
  const { slot, zone = zoneOf(slot) } = options;
  const { brokerId, kafka, url } = describe(running);
  const data = shownPath(directoryOf(options, slot));
  output.line(
    `Broker ${slot} is up (id ${brokerId}, ${zone}, pid ${process.pid}, data in ${data})`,
  );
  output.line("");
  output.line(`  Kafka        ${kafka}`);
  output.line(`  Metrics      ${url}/metrics`);
  output.line("");
  output.line("Ctrl-C stops it; the data stays.");
}
