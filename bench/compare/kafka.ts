import { spawn, spawnSync } from "node:child_process";
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
import { endProcess, freePort, type Target } from "../load/target.ts";

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

const serverProperties = (directory: string, port: number, controllerPort: number): string => `
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:${controllerPort}
listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}
advertised.listeners=PLAINTEXT://127.0.0.1:${port}
controller.listener.names=CONTROLLER
log.dirs=${directory}/data
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
`;

/** One broker and controller (KRaft) on loopback, with Kafka's defaults save what a single node needs. */
export async function startKafka(classpath: string): Promise<Target> {
  const directory = join(workDirectory, "data/kafka");
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  const [port, controllerPort] = [await freePort(), await freePort()];
  const properties = join(directory, "server.properties");
  writeFileSync(properties, serverProperties(directory, port, controllerPort));
  const java = [
    "-cp",
    classpath,
    `-Dlog4j2.configurationFile=${join(benchDirectory, "compare/log4j2.yaml")}`,
  ];
  const uuid = spawnSync("java", [...java, "kafka.tools.StorageTool", "random-uuid"], {
    encoding: "utf8",
  });
  const format = ["kafka.tools.StorageTool", "format", "-t", uuid.stdout.trim(), "-c", properties];
  const formatted = spawnSync("java", [...java, ...format], { encoding: "utf8" });
  if (formatted.status !== 0)
    throw new Error(`Kafka cannot format: ${formatted.stderr}${formatted.stdout}`);
  const log = openSync(join(directory, "log"), "w");
  const startedAt = performance.now();
  const child = spawn("java", [...jvmFlags, ...java, "kafka.Kafka", properties], {
    stdio: ["ignore", log, log],
  });
  endsWithUs(child);
  const bootstrap = `127.0.0.1:${port}`;
  try {
    await answers(port, () => child.exitCode !== null);
    const startSeconds = (performance.now() - startedAt) / 1000;
    createProbe(bootstrap);
    return {
      name: "Kafka",
      bootstrap,
      pids: [child.pid ?? 0],
      dataDirectory: join(directory, "data"),
      topicConfig,
      startSeconds,
      async stop() {
        await endProcess(child);
        rmSync(directory, { recursive: true, force: true });
      },
    };
  } catch (error) {
    await endProcess(child);
    throw new Error(`Kafka did not start; see ${join(directory, "log")}`, { cause: error });
  }
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
