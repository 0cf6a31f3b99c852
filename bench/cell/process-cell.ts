import { rmSync } from "node:fs";
import { join } from "node:path";
import { createApi } from "../../functions/api.ts";
import { noLeader } from "../../metadata/records/partition.ts";
import type { Image } from "../../metadata/image/image.ts";
import { openCellMetadataPorts } from "../../sdk/src/cli/local-world.ts";
import type { CellMetadata } from "../../sdk/src/local/cell-metadata.ts";
import { openCellMetadata } from "../../sdk/src/local/cell-metadata.ts";
import { Myelin } from "../../sdk/src/myelin.ts";
import { type BrokerLife, startBroker } from "./broker-process.ts";
import { loopback, type Places } from "./places.ts";

export type ProcessCellOptions = {
  readonly data: string;
  readonly brokerCount: number;
  /** Of Kafka and of the brokers' own HTTP, at the first broker; the others have those after it. */
  readonly port: number;
  readonly httpPort: number;
  readonly places?: Places;
  /** Further flags of `myelin broker`. */
  readonly flags?: readonly string[];
  /** A line of a broker's log: warnings and errors. */
  readonly onLog: (slot: number, level: "warn" | "error", message: string) => void;
  /** A broker ended, and nobody here had asked it to. */
  readonly onLost: (slot: number, code: number | null) => void;
};

/**
 * A cell of real broker processes that can be killed, stopped, paused, robbed of their disks and started again one by one. This process is its control plane:
 * it follows the metadata log and changes it, and has no other way to the brokers than their clients have.
 */
export type ProcessCell = AsyncDisposable & {
  readonly slots: readonly number[];
  /** For any Kafka client. */
  readonly bootstrap: string;
  readonly member: CellMetadata;
  readonly myelin: Myelin;
  readonly image: Image;
  /** The life in a slot, or the last one there. */
  life(slot: number): BrokerLife;
  isRunning(slot: number): boolean;
  /** Resolves when clients can connect. */
  start(slot: number): Promise<void>;
  kill(slot: number): Promise<void>;
  /** SIGTERM; the exit code. */
  stop(slot: number): Promise<number | null>;
  signal(slot: number, signal: NodeJS.Signals): void;
  /** Its disk is gone. Only of a broker that does not run. */
  wipe(slot: number): void;
  /** The broker that is registered for a slot; the latest, where disks were lost. */
  brokerIdOf(slot: number): number;
  slotOf(brokerId: number): number;
};

/** The cell with all its brokers up. */
export async function startProcessCell(options: ProcessCellOptions): Promise<ProcessCell> {
  const cell = new RunningCell(options, await open(options));
  try {
    // A broker's id is given when its new directory is registered: in the order of slots.
    for (const slot of cell.slots) await cell.start(slot);
    return cell;
  } catch (error) {
    await cell[Symbol.asyncDispose]();
    throw error;
  }
}

type Opened = { readonly member: CellMetadata; readonly myelin: Myelin };

async function open({ data, port, places = loopback }: ProcessCellOptions): Promise<Opened> {
  const ports = await openCellMetadataPorts(data);
  const log = { debug() {}, info() {}, warn() {}, error() {} };
  const onFatal = (error: Error): never => {
    throw error;
  };
  const member = await openCellMetadata({ ports, clusterName: "dev", log, onFatal });
  const app = createApi({
    replica: member.replica,
    clock: ports.clock,
    random: ports.random,
    config: { version: "bench", kafka: { host: places.host(1), port }, httpEndpoint: null },
  });
  const myelin = new Myelin({
    url: "http://in.process",
    fetch: async (input, init) => app.request(new Request(input, init)),
  });
  return { member, myelin };
}

class RunningCell implements ProcessCell {
  readonly slots: readonly number[];
  readonly bootstrap: string;
  readonly member: CellMetadata;
  readonly myelin: Myelin;
  readonly #options: ProcessCellOptions;
  readonly #lives = new Map<number, BrokerLife>();
  readonly #running = new Set<number>();
  /** Those whose end is asked for. */
  readonly #ending = new Set<BrokerLife>();

  constructor(options: ProcessCellOptions, { member, myelin }: Opened) {
    this.#options = options;
    this.member = member;
    this.myelin = myelin;
    const { brokerCount, port, places = loopback } = options;
    this.slots = Array.from({ length: brokerCount }, (_, index) => index + 1);
    this.bootstrap = this.slots.map((slot) => `${places.host(slot)}:${port + slot - 1}`).join(",");
  }

  get image(): Image {
    return this.member.replica.image;
  }

  life(slot: number): BrokerLife {
    const life = this.#lives.get(slot);
    if (life === undefined) throw new RangeError(`no broker has ever run in slot ${slot}`);
    return life;
  }

  isRunning(slot: number): boolean {
    return this.#running.has(slot);
  }

  async start(slot: number): Promise<void> {
    const { data, port, httpPort, places = loopback, flags = [], onLog, onLost } = this.#options;
    const place = ["--data", data, "--host", places.host(slot)];
    const ports = ["--port", `${port}`, "--http-port", `${httpPort - 1}`];
    const life = startBroker({
      prefix: places.brokerPrefix(slot),
      args: ["broker", "--slot", `${slot}`, ...place, ...ports, ...flags],
      onLog: (level, message) => onLog(slot, level, message),
    });
    this.#lives.set(slot, life);
    this.#running.add(slot);
    void life.ended.then((code) => {
      if (this.#lives.get(slot) === life) this.#running.delete(slot);
      if (!this.#ending.has(life)) onLost(slot, code);
    });
    await life.up;
  }

  async kill(slot: number): Promise<void> {
    const life = this.life(slot);
    this.#ending.add(life);
    await life.kill();
  }

  stop(slot: number): Promise<number | null> {
    const life = this.life(slot);
    this.#ending.add(life);
    return life.stop();
  }

  signal(slot: number, signal: NodeJS.Signals): void {
    this.life(slot).signal(signal);
  }

  wipe(slot: number): void {
    if (this.isRunning(slot)) throw new Error(`broker ${slot} runs`);
    rmSync(join(this.#options.data, `broker-${slot}`), { recursive: true, force: true });
  }

  brokerIdOf(slot: number): number {
    const ids = [...this.image.brokers.values()]
      .filter((each) => each.slot === slot)
      .map(({ brokerId }) => brokerId);
    return Math.max(noLeader, ...ids);
  }

  slotOf(brokerId: number): number {
    return this.image.brokers.get(brokerId)?.slot ?? 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#running].map((slot) => this.kill(slot)));
    await this.member.close();
  }
}
