import { ensureCluster } from "../../../metadata/commands/cluster-commands.ts";
import type { Command } from "../../../metadata/commands/command.ts";
import type { NewTopic } from "../../../metadata/commands/create-topics.ts";
import { createTopic } from "../../../metadata/commands/create-topics.ts";
import type { Image } from "../../../metadata/image/image.ts";
import { topicByName } from "../../../metadata/image/image.ts";
import type { MetadataReplica } from "../../../metadata/log/replica.ts";
import { openMetadataReplica } from "../../../metadata/log/replica.ts";
import type { Clock } from "../../../ports/clock.ts";
import { MetadataLogError } from "../../../ports/metadata-log.ts";
import { ObjectStoreError } from "../../../ports/object-store.ts";
import { createProcessClock } from "../machine/process-clock.ts";
import { SimProcess } from "../machine/sim-process.ts";
import type { World } from "../world/world.ts";
import { watchedLog } from "./bug-watch.ts";
import { cellName } from "./broker-node.ts";
import type { SimCell } from "./sim-cell.ts";

const retryMs = 500;

/** The object store too: whoever finds an empty log looks there for what a former cell has left. */
const isUnavailable = (error: unknown): boolean =>
  (error instanceof MetadataLogError || error instanceof ObjectStoreError) &&
  error.code === "unavailable";

/** What the HTTP API does, as a process of the cell: it appends to the metadata log and never talks to a broker. */
export class ControlPlane {
  readonly #cell: SimCell;
  readonly #world: World;
  readonly #process: SimProcess;
  readonly #clock: Clock;
  #opening: Promise<MetadataReplica> | null = null;

  constructor(cell: SimCell) {
    this.#cell = cell;
    this.#world = cell.world;
    this.#process = new SimProcess(cell.world, cell.addHost("control", "region"), "control plane");
    this.#clock = createProcessClock(cell.world, this.#process);
  }

  /** The image as this process has it. */
  async image(): Promise<Image> {
    const replica = await this.#replica();
    await this.#retried(() => replica.readToHead());
    return replica.image;
  }

  async ensureCluster(name: string): Promise<string> {
    const { clusterId } = await this.submit((image, context) =>
      ensureCluster(image, { name }, context),
    );
    return clusterId;
  }

  /** The topic's id; of the one that is there, if there is one. */
  async createTopic(clusterId: string, topic: NewTopic): Promise<string> {
    const replica = await this.#replica();
    const outcome = await this.#retried(() =>
      replica.submit((image, context) => createTopic(image, { clusterId, topic }, context)),
    );
    if (outcome.kind === "accepted") return outcome.result.topicId;
    // A try whose answer was lost has made it.
    const found = topicByName(replica.image, clusterId, topic.name);
    if (found !== undefined) return found.topicId;
    throw new Error(`the topic ${topic.name} is refused: ${outcome.message}`);
  }

  /** Submits until the log answers. */
  async submit<Result, Code extends string>(command: Command<Result, Code>): Promise<Result> {
    const replica = await this.#replica();
    const outcome = await this.#retried(() => replica.submit(command));
    if (outcome.kind === "accepted") return outcome.result;
    throw new Error(`refused: ${outcome.message}`);
  }

  /** Submits until the log answers, whatever the answer is. */
  async attempt<Result, Code extends string>(command: Command<Result, Code>): Promise<void> {
    const replica = await this.#replica();
    await this.#retried(() => replica.submit(command));
  }

  #replica(): Promise<MetadataReplica> {
    this.#opening ??= this.#retried(() =>
      openMetadataReplica({
        log: this.#cell.metadata.open(this.#process),
        objects: this.#cell.objects.attach(this.#process),
        clock: this.#clock,
        random: this.#world.stream("random control plane"),
        output: watchedLog(this.#world, "control plane"),
        cell: cellName,
      }),
    );
    return this.#opening;
  }

  async #retried<T>(work: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await work();
      } catch (error) {
        if (!isUnavailable(error)) throw error;
        await new Promise<void>((resolve) => void this.#clock.after(retryMs, resolve));
      }
    }
  }
}
