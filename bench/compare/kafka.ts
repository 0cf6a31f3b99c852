import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, openSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { endsWithUs } from "../harness/children.ts";
import {
  benchDirectory,
  librdkafkaClient,
  runSilently,
  workDirectory,
} from "../harness/load-client.ts";
import { bootstrapOf, endProcess, freePorts, type Target } from "../load/target.ts";

export const kafkaVersion = "4.3.1";

/** Kafka's jars from Maven Central, fetched once; null, said aloud, where Java or Maven or the network is missing. */
export function kafkaClasspath(say: (line: string) => void): string | null {
  const directory = join(workDirectory, `kafka-${kafkaVersion}`);
  const done = join(directory, ".complete");
  for (const command of ["java", "mvn"]) {
    if (command === "mvn" && existsSync(done)) continue;
    if (spawnSync("sh", ["-c", `command -v ${command}`]).status === 0) continue;
    say(`Apache Kafka: left out, no ${command} here`);
    return null;
  }
  if (!existsSync(done)) {
    say(`Fetching Apache Kafka ${kafkaVersion} from Maven Central`);
    const pom = join(benchDirectory, "compare/pom.xml");
    const copy = ["dependency:copy-dependencies", `-DoutputDirectory=${directory}`];
    if (spawnSync("mvn", ["-q", "-B", "-f", pom, ...copy], { stdio: "inherit" }).status !== 0) {
      say("Apache Kafka: left out, its jars could not be fetched");
      return null;
    }
    writeFileSync(done, "");
  }
  return join(directory, "*");
}

/** Kafka does not flush; told to, it flushes every batch, which is what `fsync` promises. `default` is its own default: it does not. */
const topicConfig: Target["topicConfig"] = (durability) => ({
  // Deleted topics give back their disk soon, not after a minute.
  "file.delete.delay.ms": "1000",
  ...(durability === "fsync" ? { "flush.messages": "1" } : {}),
});

// bin/kafka-run-class.sh: KAFKA_JVM_PERFORMANCE_OPTS, and kafka-server-start.sh: KAFKA_HEAP_OPTS.
const jvmFlags = [
  "-Xmx1G",
  "-Xms1G",
  "-server",
  "-XX:+UseG1GC",
  "-XX:MaxGCPauseMillis=20",
  "-XX:InitiatingHeapOccupancyPercent=35",
  "-XX:+ExplicitGCInvokesConcurrent",
  "-Djava.awt.headless=true",
];

type Node = {
  readonly id: number;
  readonly directory: string;
  readonly port: number;
  readonly controllerPort: number;
};

function serverProperties(node: Node, nodes: readonly Node[]): string {
  const replicas = Math.min(3, nodes.length);
  const voters = nodes.map(({ id, controllerPort }) => `${id}@127.0.0.1:${controllerPort}`);
  return `
process.roles=broker,controller
node.id=${node.id}
broker.rack=zone-${node.id}
controller.quorum.voters=${voters.join(",")}
listeners=PLAINTEXT://127.0.0.1:${node.port},CONTROLLER://127.0.0.1:${node.controllerPort}
advertised.listeners=PLAINTEXT://127.0.0.1:${node.port}
controller.listener.names=CONTROLLER
log.dirs=${node.directory}/data
default.replication.factor=${replicas}
min.insync.replicas=${replicas > 1 ? 2 : 1}
offsets.topic.replication.factor=${replicas}
transaction.state.log.replication.factor=${replicas}
transaction.state.log.min.isr=${replicas > 1 ? 2 : 1}
share.coordinator.state.topic.replication.factor=${replicas}
share.coordinator.state.topic.min.isr=${replicas > 1 ? 2 : 1}
group.initial.rebalance.delay.ms=0
`;
}

/** Brokers and controllers in one (KRaft) on loopback, with Kafka's defaults save what so few nodes need. */
export async function startKafka(classpath: string, brokers = 1): Promise<Target> {
  const directory = join(workDirectory, "data/kafka");
  rmSync(directory, { recursive: true, force: true });
  const [port, controllerPort] = [await freePorts(brokers), await freePorts(brokers)];
  const nodes = Array.from({ length: brokers }, (_, index) => ({
    id: index + 1,
    directory: join(directory, `${index + 1}`),
    port: port + index,
    controllerPort: controllerPort + index,
  }));
  const java = [
    "-cp",
    classpath,
    `-Dlog4j2.configurationFile=${join(benchDirectory, "compare/log4j2.yaml")}`,
  ];
  const uuid = spawnSync("java", [...java, "kafka.tools.StorageTool", "random-uuid"], {
    encoding: "utf8",
  }).stdout.trim();
  for (const node of nodes) format(java, { uuid, node, nodes });
  const startedAt = performance.now();
  const children = nodes.map((node) => run(java, node));
  try {
    const hasEnded = (): boolean => children.some(({ exitCode }) => exitCode !== null);
    for (const node of nodes) await answers(node.port, hasEnded);
    const startSeconds = (performance.now() - startedAt) / 1000;
    const bootstrap = bootstrapOf(port, brokers);
    createProbe(bootstrap);
    return {
      name: "Kafka",
      bootstrap,
      pids: children.map(({ pid }) => pid ?? 0),
      replicationFactor: Math.min(3, brokers),
      dataDirectory: directory,
      topicConfig,
      startSeconds,
      async stop() {
        await Promise.all(children.map(endProcess));
        rmSync(directory, { recursive: true, force: true });
      },
    };
  } catch (error) {
    await Promise.all(children.map(endProcess));
    throw new Error(`Kafka did not start; see ${directory}/*/log`, { cause: error });
  }
}

type Formatting = { readonly uuid: string; readonly node: Node; readonly nodes: readonly Node[] };

function format(java: readonly string[], { uuid, node, nodes }: Formatting): void {
  mkdirSync(node.directory, { recursive: true });
  const properties = join(node.directory, "server.properties");
  writeFileSync(properties, serverProperties(node, nodes));
  const tool = ["kafka.tools.StorageTool", "format", "-t", uuid, "-c", properties];
  const formatted = spawnSync("java", [...java, ...tool], { encoding: "utf8" });
  if (formatted.status !== 0)
    throw new Error(`Kafka cannot format: ${formatted.stderr}${formatted.stdout}`);
}

function run(java: readonly string[], { directory }: Node): ChildProcess {
  const log = openSync(join(directory, "log"), "w");
  const properties = join(directory, "server.properties");
  const child = spawn("java", [...jvmFlags, ...java, "kafka.Kafka", properties], {
    stdio: ["ignore", log, log],
  });
  endsWithUs(child);
  return child;
}

/** Waits until the port is listened on. */
async function answers(port: number, hasEnded: () => boolean): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    if (hasEnded()) throw new Error("it ended");
    const isOpen = await new Promise<boolean>((done) => {
      const socket = connect(port, "127.0.0.1", () => {
        socket.destroy();
        done(true);
      });
      socket.on("error", () => done(false));
    });
    if (isOpen) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error("nothing listens after 30 s");
}

/** A listening socket is not yet a broker that serves: one topic made and deleted says that it is. */
function createProbe(bootstrap: string): void {
  const client = librdkafkaClient();
  if ("missing" in client) throw new Error(client.missing);
  runSilently(client, "create", { bootstrap, topic: "bench-probe", partitions: 1 });
  runSilently(client, "delete", { bootstrap, topic: "bench-probe" });
}
