// The Dockerfile is built and what comes of it is run, for each architecture that a cell can have: on this machine if it is the machine's, else in an emulator
// (qemu), which is some ten times slower and shows the same.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Cluster } from "../../sdk/src/cluster.ts";
import type { Line } from "../clients/driver.ts";
import { allCodecs } from "../clients/driver.ts";
import { sdk } from "../clients/drivers/libraries.ts";
import { franzGo, librdkafkaPython } from "../clients/drivers/programs.ts";
import { newTask } from "../e2e/emulated/task.ts";
import type { TaskMetadata } from "../e2e/emulated/task-metadata.ts";
import { startTaskMetadata } from "../e2e/emulated/task-metadata.ts";
import type { AwsEmulation } from "../support/aws-emulation.ts";
import { startAwsEmulation } from "../support/aws-emulation.ts";
import type { BrokerContainer } from "../support/broker-container.ts";
import type { ControlPlane } from "../support/control-plane.ts";
import { startControlPlane } from "../support/control-plane.ts";
import { freePortRange } from "../support/free-ports.ts";
import { architectureOf, architectures } from "./architecture.ts";
import { prepareBaseImage } from "./base-image.ts";
import type { BuiltImage } from "./built-image.ts";
import { buildImage } from "./built-image.ts";
import type { ImageContainerOptions } from "./image-container.ts";
import { checkHealth, createVolume, startImageContainer } from "./image-container.ts";
import { emulatorOf, notHere, notRunHere } from "./not-here.ts";

const skipped = await notHere();
if (skipped !== null) console.log(skipped);

/** By what compresses in them: our own packages on this machine, C and Go read what the broker's packages write, and the other way round. */
const drivers = [sdk, librdkafkaPython, franzGo].filter((each) => {
  const reason = each.unavailable();
  if (reason !== null) console.log(`${each.name} is left out: ${reason}`);
  return reason === null;
});
const linesPerRun = 40;

describe.skipIf(skipped !== null)("the image", () => {
  beforeAll(prepareBaseImage, 600_000);

  describe.each(architectures)("for %s", (architecture) => {
    let image: BuiltImage;
    beforeAll(async () => {
      image = await buildImage(architecture);
    }, 600_000);
    afterAll(() => image?.remove(), 60_000);

    test("is of one architecture throughout: its label, its Node, its native packages", () => {
      expect(image.architecture).toBe(architecture);
      const native = readdirSync(join(image.root, "app"), { recursive: true, encoding: "utf8" })
        .filter((name) => name.endsWith(".node"))
        .map((name) => join("app", name));
      expect(native).toHaveLength(3);
      for (const file of ["usr/local/bin/node", ...native])
        expect({ file, for: architectureOf(readFileSync(join(image.root, file))) }).toEqual({
          file,
          for: architecture,
        });
    });

    test("has the broker's code and nothing of the repository", () => {
      expect(readdirSync(image.root)).toEqual(expect.arrayContaining(["app", "data"]));
      expect(readdirSync(image.root)).not.toContain("src");
      expect(readdirSync(join(image.root, "data"))).toEqual([]);
      expect(image.config).toMatchObject({
        User: "node",
        Volumes: { "/data": {} },
        ExposedPorts: { "9092/tcp": {}, "9640/tcp": {} },
      });
      console.log(`the image for ${architecture} has ${image.sizeBytes / 1e6} MB`);
    });

    const idle = notRunHere(architecture);
    if (idle !== null) console.log(idle);

    describe.skipIf(idle !== null)("run as a task", () => {
      let directory: string;
      let aws: AwsEmulation;
      let controlPlane: ControlPlane;
      let metadata: TaskMetadata;
      let shop: Cluster;
      let options: ImageContainerOptions;
      let broker: BrokerContainer;
      let http: string;
      /** What was written to each topic. */
      const written = new Map<string, Line[]>();

      beforeAll(async () => {
        directory = mkdtempSync(join(tmpdir(), "myelin-image-test-"));
        const cell = `image-${architecture}`;
        aws = await startAwsEmulation(cell);
        controlPlane = await startControlPlane(aws.environment);
        const task = newTask({
          taskArn: `arn:aws:ecs:us-east-1:0:task/image/${architecture}`,
          clusterArn: "arn:aws:ecs:us-east-1:0:cluster/image",
          serviceName: "image",
          taskDefinition: "image:1",
          zone: "zone-1",
          host: "127.0.0.1",
        });
        metadata = await startTaskMetadata(() => [task]);
        const [port, httpPort] = [await freePortRange(12), await freePortRange(1)];
        http = `http://127.0.0.1:${httpPort}`;
        const volume = join(directory, "volume");
        createVolume(image, volume);
        options = {
          image,
          volume,
          emulator: emulatorOf(architecture),
          environment: {
            ...aws.environment,
            ...metadata.environmentOf(task),
            MYELIN_DATA_DIR: "/data",
            MYELIN_LISTEN_HOST: "127.0.0.1",
            MYELIN_PORT: String(port),
            MYELIN_HTTP_PORT: String(httpPort),
            MYELIN_PROFILE: "dev",
          },
        };
        shop = await controlPlane.myelin.clusters.create({ name: "shop" });
      }, 120_000);

      afterAll(async () => {
        await broker?.stop("SIGKILL");
        await controlPlane?.stop();
        await metadata?.close();
        await aws?.stop();
        rmSync(directory, { recursive: true });
      }, 60_000);

      async function start(): Promise<void> {
        broker = startImageContainer(options);
        await broker.whenSaid("the broker is up");
        await expect
          .poll(async () => (await fetch(`${http}/readyz`)).status, { timeout: 60_000 })
          .toBe(200);
      }

      test("its command starts a broker, and its health check finds it once it is ready", async () => {
        expect(await checkHealth(options)).toBe(1);
        await start();
        await expectToBeHealthy();
        shop = await controlPlane.myelin.clusters.get("shop");
      });

      test.each(drivers)(
        "$name writes each codec, and the broker makes another of it",
        async (driver) => {
          for (const [index, codec] of allCodecs.entries()) {
            const topic = `${driver.name.replaceAll(/\W/g, "")}-${codec}`;
            // It takes apart what comes and compresses it anew: both halves of each codec, by its own code.
            const kept = allCodecs[(index + 1) % allCodecs.length]?.replace("none", "uncompressed");
            const configs = { "compression.type": kept ?? "" };
            await shop.topics.create({ name: topic, partitions: 1, configs });
            const lines = linesOf(topic);
            await driver.produce({ bootstrap: shop.bootstrapServers, topic, codec }, lines);
            written.set(topic, lines);
          }
          await expectAllToBeRead(driver);
        },
      );

      test("a compacted topic is cleaned, by the thread that is started for it", async () => {
        const configs = { "cleanup.policy": "compact", "max.compaction.lag.ms": 1_000 };
        await shop.topics.create({ name: "latest", partitions: 1, configs });
        for (let turn = 0; turn < 3; turn++)
          await sdk.produce(
            { bootstrap: shop.bootstrapServers, topic: "latest", codec: "lz4" },
            linesOf(`turn ${turn}`),
          );
        await broker.whenSaid("a partition was compacted");
      });

      test("told to stop it ends in good order, and comes back as the same broker with all it had", async () => {
        const { broker: before } = await broker.whenSaid("the broker is up");
        expect(await broker.stop()).toBe(0);
        await start();
        expect(await broker.whenSaid("the broker is up")).toMatchObject({ broker: before });
        await expectToBeHealthy();
        const missing = new Set([...written.values()].flat().map(({ value }) => value));
        const topics = [...written.keys()];
        for await (const { value } of shop.reader({ topics, from: "beginning", untilEnd: true }))
          expect(missing.delete(String(value))).toBe(true);
        expect([...missing]).toEqual([]);
        expect(await broker.stop()).toBe(0);
      });

      test("has written nowhere but to its volume", () => {
        expect(readdirSync(join(image.root, "data"))).toEqual([]);
        expect(readdirSync(options.volume)).toContain("was-ready");
      });

      /** As ECS has it, which asks ten times: an emulator beside other work may take longer than a check may. */
      async function expectToBeHealthy(): Promise<void> {
        await expect.poll(() => checkHealth(options), { timeout: 60_000, interval: 1_000 }).toBe(0);
      }

      async function expectAllToBeRead(driver: (typeof drivers)[number]): Promise<void> {
        for (const [topic, lines] of written) {
          const source = { bootstrap: shop.bootstrapServers, topic };
          const group = `${driver.name.replaceAll(/\W/g, "")}-${Date.now()}`;
          const received = await driver.consume({ ...source, group }, lines.length);
          expect(received.map(({ key, value }) => ({ key, value }))).toEqual(lines);
          expect(received.map(({ offset }) => offset)).toEqual(lines.map((_, index) => index));
        }
      }
    });
  });
});

function linesOf(about: string): Line[] {
  const filler = "the same words again and again, so that a codec has something to find ".repeat(3);
  return Array.from({ length: linesPerRun }, (_, index) => ({
    key: `key-${index % 7}`,
    value: `${about} ${index} ${filler}`,
  }));
}
