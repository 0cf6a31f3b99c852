import type { Broker } from "../../../broker/broker.ts";
import { createBroker } from "../../../broker/broker.ts";
import { defaultCellConfig } from "../../../broker/cell/cell-config.ts";
import { createCleaner, createInlinePlace } from "../../../broker/compaction/remote-cleaner.ts";
import type { BrokerConfig } from "../../../broker/config.ts";
import type { MetadataReplica } from "../../../metadata/log/replica.ts";
import { openMetadataReplica } from "../../../metadata/log/replica.ts";
import type { Address } from "../../../ports/network.ts";
import type { SimDisk } from "../disk/sim-disk.ts";
import { createProcessClock } from "../machine/process-clock.ts";
import type { SimHost } from "../machine/sim-host.ts";
import { SimProcess } from "../machine/sim-process.ts";
import type { World } from "../world/world.ts";
import { describeError, isWorldly, watchedLog } from "./bug-watch.ts";
import { BrokerInspection } from "./broker-inspection.ts";
import type { SimCell } from "./sim-cell.ts";

export const cellName = "simulated";

/** One process that runs, or tries to run, a broker on a node's directory. */
export type BrokerRun = {
  readonly node: BrokerNode;
  readonly process: SimProcess;
  readonly life: number;
  replica: MetadataReplica | null;
  broker: Broker | null;
  /** What checks may see of it; null until it serves. */
  view: BrokerInspection | null;
  isStopping: boolean;
};

export type NodeOptions = {
  readonly name: string;
  readonly disk: SimDisk;
  readonly port: number;
  readonly config: BrokerConfig;
};

/**
 * A data directory on a host, and the supervisor that keeps a broker running on it: a process that ends is started again after a while, until the node is
 * told to stop.
 */
export class BrokerNode {
  readonly name: string;
  readonly host: SimHost;
  readonly disk: SimDisk;
  readonly directory: string;
  readonly address: Address;
  readonly cell: SimCell;
  readonly config: BrokerConfig;
  /** Usually one; a second process on the directory finds it locked. */
  readonly runs = new Set<BrokerRun>();
  lives = 0;
  #isWanted = false;
  #isLaunchDue = false;
  readonly #world: World;
  readonly #waiting: (() => void)[] = [];

  constructor(cell: SimCell, { name, disk, port, config }: NodeOptions) {
    this.cell = cell;
    this.#world = cell.world;
    this.name = name;
    this.disk = disk;
    this.host = disk.host;
    this.directory = `/data/${name}`;
    this.address = { host: disk.host.name, port };
    this.config = {
      ...config,
      directory: this.directory,
      listen: this.address,
      zone: this.host.zone,
    };
    this.host.onHostEvent({ booted: () => this.#launchLater(500) });
  }

  /** The run that answers clients, or null. */
  get serving(): BrokerRun | null {
    for (const run of this.runs) if (run.broker !== null && !run.process.isDead) return run;
    return null;
  }

  /** Keeps a broker running from now on; resolves when it serves. */
  start(): Promise<void> {
    this.#isWanted = true;
    if (this.runs.size === 0) this.#launch();
    return this.whenServing();
  }

  whenServing(): Promise<void> {
    if (this.serving !== null) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** kill -9; the supervisor starts it again, unless told otherwise. */
  kill({ isRestarted = true } = {}): void {
    this.#isWanted &&= isRestarted;
    this.#world.trace(() => `${this.name} is killed`);
    for (const run of Array.from(this.runs)) run.process.kill();
  }

  /** SIGTERM: resolves when the process has ended. One that takes too long is killed. */
  async stop({ isRestarted = false, patienceMs = 60_000 } = {}): Promise<void> {
    this.#isWanted = isRestarted;
    const run = this.serving;
    if (run === null) return this.kill({ isRestarted });
    this.#world.trace(() => `${this.name} is told to stop`);
    const ended = new Promise<void>((resolve) => void run.process.onEnd(resolve));
    this.#world.schedule(patienceMs, "task", () => run.process.kill());
    const { drainTimeoutMs, sessionMs } = { ...defaultCellConfig, ...this.config.cell };
    // Whatever is in the way: whoever waits for so long for the controller goes without it.
    const lateMs = this.#world.nowMs + drainTimeoutMs + sessionMs;
    // Told again, it goes on with what it began.
    if (!run.isStopping) {
      run.view?.toldToStop();
      run.broker?.services.stopping.addEventListener("abort", () => {
        if (!run.process.isDead && this.#world.nowMs < lateMs) this.cell.stoppedInTime(run);
      });
    }
    run.isStopping = true;
    run.process.deliver(() => void this.#endCleanly(run));
    await ended;
  }

  pause(): void {
    for (const { process } of this.runs) process.pause();
  }

  resume(): void {
    for (const { process } of this.runs) process.resume();
  }

  /** Another process on the same directory, whatever runs there. */
  startSecond(): void {
    if (this.host.isUp) this.#launch();
  }

  #launchLater(delayMs: number): void {
    if (!this.#isWanted || this.#isLaunchDue) return;
    this.#isLaunchDue = true;
    this.#world.schedule(delayMs, "task", () => {
      this.#isLaunchDue = false;
      if (this.#isWanted && this.host.isUp && this.runs.size === 0) this.#launch();
    });
  }

  #launch(): void {
    const life = ++this.lives;
    const process = new SimProcess(this.#world, this.host, `${this.name}#${life}`);
    const run: BrokerRun = {
      node: this,
      process,
      life,
      replica: null,
      broker: null,
      view: null,
      isStopping: false,
    };
    this.runs.add(run);
    process.onEnd(() => {
      this.runs.delete(run);
      this.cell.ended(run);
      const stream = this.#world.stream(`supervisor ${this.name}`);
      if (this.runs.size === 0) this.#launchLater(stream.between(100, 2_000));
    });
    this.#world.trace(() => `${process.name} starts`);
    process.deliver(() => void this.#run(run));
  }

  async #run(run: BrokerRun): Promise<void> {
    const { process } = run;
    try {
      await this.#open(run);
      if (process.isDead) return;
      this.cell.serves(run);
      this.#world.trace(() => `${process.name} serves`);
      for (const resolve of this.#waiting.splice(0)) resolve();
    } catch (error) {
      if (!isWorldly(error))
        this.#world.fail(`${process.name} cannot start: ${describeError(error)}`, error);
      this.#world.trace(() => `${process.name} cannot start: ${String(error)}`);
      process.kill();
    }
  }

  async #open(run: BrokerRun): Promise<void> {
    const { process } = run;
    const { cell } = this;
    const clock = createProcessClock(this.#world, process);
    const random = this.#world.stream(`random ${process.name}`);
    const log = watchedLog(this.#world, process.name);
    const onFatal = (error: Error): void => {
      if (!isWorldly(error))
        this.#world.fail(`${process.name} ends itself: ${describeError(error)}`, error);
      this.#world.trace(() => `${process.name} ends itself: ${error.message}`);
      process.kill();
    };
    run.replica = await openMetadataReplica({
      log: cell.metadata.open(process),
      objects: cell.objects.attach(process),
      clock,
      random,
      output: log,
      cell: cellName,
      onStopped: onFatal,
    });
    run.broker = await createBroker(
      {
        clock,
        random,
        disk: this.disk.attach(process),
        network: cell.network.attach(process),
        metadata: run.replica,
        objects: cell.objects.attach(process),
        cleaner: createCleaner(createInlinePlace),
        log,
        onFatal,
      },
      this.config,
    );
    run.view = new BrokerInspection(run.broker, this.disk);
  }

  async #endCleanly(run: BrokerRun): Promise<void> {
    const { process, broker, replica } = run;
    try {
      await broker?.close();
      await replica?.close();
    } catch (error) {
      if (!isWorldly(error))
        this.#world.fail(`${process.name} cannot stop: ${describeError(error)}`, error);
    }
    this.#world.trace(() => `${process.name} has stopped`);
    process.kill();
  }
}
