import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { MyelinProcess } from "../support/myelin-process.ts";
import { startMyelin } from "../support/myelin-process.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { javaConsole, javaTool } from "./drivers/programs.ts";

const reason = javaConsole.unavailable();
if (reason !== null) console.log(`skipped: Kafka's Java administration tools: ${reason}`);

const topics = "org.apache.kafka.tools.TopicCommand";
const configs = "kafka.admin.ConfigCommand";
const groups = "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand";

describe.skipIf(reason !== null)("Kafka's Java administration tools", () => {
  const directory = temporaryDirectory();
  let myelin: MyelinProcess;

  beforeAll(async () => {
    myelin = await startMyelin({ data: directory.path });
  });

  afterAll(async () => {
    expect(await myelin.stop()).toBe(0);
    directory[Symbol.dispose]();
  });

  const tool = (name: string, ...args: string[]): Promise<string> =>
    javaTool(name, ["--bootstrap-server", myelin.bootstrap, ...args]);

  test("create, list, describe and grow a topic", async () => {
    expect(
      await tool(
        topics,
        "--create",
        "--topic",
        "orders",
        "--partitions",
        "3",
        "--config",
        "retention.ms=60000",
      ),
    ).toContain("Created topic orders");
    expect((await tool(topics, "--list")).trim()).toBe("orders");
    const described = await tool(topics, "--describe", "--topic", "orders");
    expect(described).toMatch(
      /PartitionCount: 3\s+ReplicationFactor: 1\s+Configs: .*retention\.ms=60000/,
    );
    await tool(topics, "--alter", "--topic", "orders", "--partitions", "5");
    expect(await tool(topics, "--describe", "--topic", "orders")).toMatch(/PartitionCount: 5/);
  });

  test("a taken name and a wrong replication factor are refused in Kafka's words", async () => {
    await expect(tool(topics, "--create", "--topic", "orders")).rejects.toThrow(/already exists/);
    await expect(
      tool(topics, "--create", "--topic", "wide", "--replication-factor", "3"),
    ).rejects.toThrow(/replication_factor is 3; the cell has 1 broker/);
  });

  test("settings of a topic are set, shown and put back", async () => {
    const entity = ["--entity-type", "topics", "--entity-name", "orders"];
    await tool(configs, "--alter", ...entity, "--add-config", "max.message.bytes=2000000");
    expect(await tool(configs, "--describe", ...entity)).toMatch(/max\.message\.bytes=2000000/);
    await tool(configs, "--alter", ...entity, "--delete-config", "max.message.bytes");
    expect(await tool(configs, "--describe", ...entity)).not.toMatch(/max\.message\.bytes=2000000/);
    expect(await tool(configs, "--describe", ...entity, "--all")).toMatch(
      /segment\.bytes=1073741824/,
    );
  });

  test("offsets of a group are listed, reset and deleted", async () => {
    const lines = Array.from({ length: 20 }, (_, index) => ({
      key: `k${index}`,
      value: `v${index}`,
    }));
    await javaConsole.produce(
      { bootstrap: myelin.bootstrap, topic: "orders", codec: "none" },
      lines,
    );
    await javaConsole.consume(
      { bootstrap: myelin.bootstrap, topic: "orders", group: "billing" },
      20,
    );
    expect((await tool(groups, "--list")).trim()).toContain("billing");
    const described = await tool(groups, "--describe", "--group", "billing");
    expect(lagOf(described)).toBe(0);
    await tool(
      groups,
      "--reset-offsets",
      "--group",
      "billing",
      "--topic",
      "orders",
      "--to-earliest",
      "--execute",
    );
    expect(lagOf(await tool(groups, "--describe", "--group", "billing"))).toBe(20);
    expect(await tool(groups, "--delete", "--group", "billing")).toMatch(/successful/);
  });

  test("offsets of a topic are shown by time and position", async () => {
    const output = await tool(
      "org.apache.kafka.tools.GetOffsetShell",
      "--topic",
      "orders",
      "--time",
      "latest",
    );
    const total = output
      .trim()
      .split("\n")
      .map((line) => Number(line.split(":")[2]))
      .reduce((sum, each) => sum + each, 0);
    expect(total).toBe(20);
  });

  test("records are deleted up to an offset", async () => {
    const file = join(directory.path, "delete.json");
    writeFileSync(
      file,
      JSON.stringify({ version: 1, partitions: [{ topic: "orders", partition: 0, offset: -1 }] }),
    );
    expect(
      await tool("org.apache.kafka.tools.DeleteRecordsCommand", "--offset-json-file", file),
    ).toMatch(/low_watermark: \d+/);
  });

  test("the broker tells its APIs and its log directory", async () => {
    const versions = await tool("org.apache.kafka.tools.BrokerApiVersionsCommand");
    expect(versions).toMatch(/Produce\(0\): 0 to 13/);
    expect(versions).not.toMatch(/AddPartitionsToTxn\(24\): \d/);
    expect(
      await tool("org.apache.kafka.tools.LogDirsCommand", "--describe", "--topic-list", "orders"),
    ).toMatch(/"partition":"orders-0"/);
  });

  test("a deleted topic is gone", async () => {
    await tool(topics, "--delete", "--topic", "orders");
    expect((await tool(topics, "--list")).trim()).not.toContain("orders");
  });
});

/** The sum of the LAG column. */
function lagOf(described: string): number {
  return described
    .split("\n")
    .filter((line) => line.startsWith("billing"))
    .map((line) => Number(line.split(/\s+/)[5]))
    .filter((lag) => !Number.isNaN(lag))
    .reduce((sum, lag) => sum + lag, 0);
}
