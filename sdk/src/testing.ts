import type { ControlledClock } from "../../adapters/memory/clock.ts";
import { createJumpingClock } from "../../adapters/memory/clock.ts";
import { createMemoryDisk } from "../../adapters/memory/disk.ts";
import { createMemoryMetadataLog } from "../../adapters/memory/metadata-log.ts";
import { createMemoryObjectStore } from "../../adapters/memory/object-store.ts";
import { createNodeNetwork } from "../../adapters/node/network.ts";
import { createNodeRandom } from "../../adapters/node/random.ts";
import { createCleaner, createInlinePlace } from "../../broker/compaction/remote-cleaner.ts";
import { defaultBrokerConfig } from "../../broker/config.ts";
import { kafkaApis } from "../../broker/handlers/table.ts";
import type { LogOutput } from "../../broker/log-output.ts";
import type { ServedApi } from "../../adapters/node/http-server.ts";
import { serveApi } from "../../adapters/node/http-server.ts";
import type { Cluster } from "./cluster.ts";
import type { CreateTopicOptions, TopicDescription } from "./control/topics.ts";
import type { NodePorts } from "./local/broker-node.ts";
import type { LocalCell } from "./local/local-cell.ts";
import { startLocalCell } from "./local/local-cell.ts";
import { Myelin } from "./myelin.ts";
import type { Fault } from "./testing/faults.ts";
import { withFaults } from "./testing/faults.ts";
import { parseDuration } from "./units.ts";

export type { Fault } from "./testing/faults.ts";

export type TestBrokerOptions = {
  /** A free one by default. */
  port?: number;
  /** What the broker has to say; silent by default. */
  log?: LogOutput;
  /** Server settings by Kafka's names, as in `{ "auto.create.topics.enable": "false" }`. */
  settings?: Record<string, string>;
};

/** A whole Myelin in this process: real connections, everything else in memory. */
export type TestBroker = AsyncDisposable & {
  /** For any Kafka client. */
  readonly bootstrapServers: string;
  /** The SDK's view of it. */
  readonly cluster: Cluster;
  readonly topics: {
    create(
      name: string,
      options?: Pick<CreateTopicOptions, "partitions" | "configs">,
    ): Promise<TopicDescription>;
    delete(name: string): Promise<void>;
  };
  /** Moves the broker's time on (`10m`, or milliseconds): what falls due on the way happens, in order. Its time passes by itself besides. */
  advance(duration: string | number): Promise<void>;
  /** The broker's time. */
  now(): Date;
  /** Answers the next requests of an API with an error. */
  fail(fault: Fault): void;
  /** Requests that will still be failed: 0 once the client has met every fault. */
  readonly faultsLeft: number;
  /** Takes back faults that no request has met. */
  clearFaults(): void;
  /** Address of the HTTP API, which is served from the first call on. */
  url(): Promise<string>;
  close(): Promise<void>;
};

const host = "127.0.0.1";
const mebibyte = 1024 * 1024;

/**
 * A broker for tests, on a port of its own, ready in a moment and gone without a trace.
 *
 *     await using broker = await createTestBroker();
 *     await broker.topics.create("orders");
 *     const kafka = new Kafka({ brokers: [broker.bootstrapServers] }); // any client
 */
export async function createTestBroker(options: TestBrokerOptions = {}): Promise<TestBroker> {
  const clock = createJumpingClock();
  const { apis, faults } = withFaults(kafkaApis);
  const cell = await start(options, { clock, apis });
  const address = cell.broker.address(cell.cluster.clusterId);
  if (address === null) throw new Error("the test broker does not listen");
  // The same API as over HTTP, without a port.
  const inProcess = new Myelin({
    url: `http://${host}`,
    fetch: async (input, init) => cell.app.request(new Request(input, init)),
  });
  const cluster = await inProcess.clusters.get(cell.cluster.clusterId);
  let http: Promise<ServedApi> | null = null;
  let closing: Promise<void> | null = null;
  const end = async (): Promise<void> => {
    await (await http)?.close(0);
    await cell.close();
    clock.close();
  };
  const close = (): Promise<void> => {
    closing ??= end();
    return closing;
  };

  return {
    bootstrapServers: `${address.host}:${address.port}`,
    cluster,
    topics: {
      create: (name, topic = {}) => cluster.topics.create({ name, ...topic }),
      delete: (name) => cluster.topics.delete(name),
    },
    advance: (duration) => clock.advance(parseDuration(duration)),
    now: () => new Date(clock.nowMs()),
    fail: (fault) => faults.add(fault),
    get faultsLeft() {
      return faults.left;
    },
    clearFaults: () => faults.clear(),
    async url() {
      http ??= serveApi(cell.app, { host, port: 0 });
      return (await http).url;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

const silent: LogOutput = { debug() {}, info() {}, warn() {}, error() {} };

type Inner = { clock: ControlledClock; apis: NonNullable<NodePorts["apis"]> };

function start(
  { port = 0, log = silent, settings = {} }: TestBrokerOptions,
  { clock, apis }: Inner,
): Promise<LocalCell> {
  return startLocalCell({
    ports: {
      clock,
      random: createNodeRandom(),
      disk: createMemoryDisk(),
      network: createNodeNetwork(),
      cleaner: createCleaner(createInlinePlace),
      objects: createMemoryObjectStore(),
      metadataLog: createMemoryMetadataLog(),
      apis,
    },
    broker: {
      ...defaultBrokerConfig,
      directory: "/test-broker",
      listen: { host, port },
      version: "test",
      log: { ringBytes: 4 * mebibyte, chunkBytes: mebibyte, fileBytes: 8 * mebibyte, poolFiles: 1 },
      groups: { initialRebalanceDelayMs: 0 },
      startedWith: settings,
      stopTimeoutMs: 0,
    },
    clusterName: "test",
    log,
    onFatal: (error) => {
      throw error;
    },
  });
}
