import { declareLost } from "../../../metadata/commands/declare-lost.ts";
import type { BrokerNode } from "../cell/broker-node.ts";
import type { SimCell } from "../cell/sim-cell.ts";
import type { DirectoryCopy } from "../disk/sim-disk.ts";
import type { SimHost } from "../machine/sim-host.ts";
import type { FaultName } from "../world/fault-table.ts";
import type { Stream } from "../world/random-streams.ts";
import type { World } from "../world/world.ts";
import type { Promises } from "./promises.ts";
import { Sleeper } from "./sleeper.ts";

const hourMs = 3_600_000;

type Action = (stream: Stream) => void;

/**
 * Does to a cell what happens so many times an hour, at times and to victims drawn from the fault's own stream. Everything it begins it also ends, by
 * itself or when told to.
 */
export class Nemesis {
  readonly #cell: SimCell;
  readonly #world: World;
  /** Ends of what is under way. */
  readonly #endings = new Set<() => void>();
  readonly #promises: Promises;
  readonly #copies = new Map<BrokerNode, DirectoryCopy>();
  /** Brokers whose disk is gone, until the cell knows that it waits for them in vain. */
  readonly #toGiveUp = new Set<number>();
  /** Those of them that ECS reports stopped: of these the cell is told, ephemeral or not. */
  readonly #stopped = new Set<number>();
  #isGivingUp: Promise<void> | null = null;
  readonly #sleeper: Sleeper;
  #isOver = false;
  /** How often each fault has struck. */
  readonly struck = new Map<FaultName, number>();

  constructor(cell: SimCell, promises: Promises) {
    this.#cell = cell;
    this.#promises = promises;
    this.#world = cell.world;
    this.#sleeper = new Sleeper(cell, (node) => this.#giveUpSoon(promises.idsOn(node)));
  }

  start(): void {
    for (const [name, act] of Object.entries(this.#actions()) as [FaultName, Action][]) {
      this.#wait(name, act);
    }
  }

  /** Ends everything it began, and begins nothing more. */
  stop(): void {
    this.#isOver = true;
    for (const end of Array.from(this.#endings)) end();
    this.#sleeper.stop();
  }

  #wait(name: FaultName, act: Action): void {
    const rate = this.#world.faults.rate(name);
    if (rate === 0) return;
    const stream = this.#world.faults.stream(name);
    this.#world.schedule(stream.wait(hourMs / rate), "nemesis", () => {
      if (this.#isOver) return;
      this.struck.set(name, (this.struck.get(name) ?? 0) + 1);
      act(stream);
      this.#wait(name, act);
    });
  }

  /** Calls `end` after a while, or when all is to end. */
  #forAWhile(durationMs: number, end: () => void): void {
    const once = (): void => {
      if (!this.#endings.delete(once)) return;
      end();
    };
    this.#endings.add(once);
    this.#world.schedule(durationMs, "nemesis", once);
  }

  #actions(): Partial<Record<FaultName, Action>> {
    return { ...this.#networkActions(), ...this.#diskActions(), ...this.#processActions() };
  }

  #networkActions(): Partial<Record<FaultName, Action>> {
    const { network } = this.#cell;
    const cut = (from: SimHost, to: SimHost, durationMs: number): void => {
      this.#world.trace(() => `${from.name} does not reach ${to.name}`);
      this.#forAWhile(durationMs, network.block(from, to));
    };
    return {
      "network.partition": (stream) => {
        const [one, other] = this.#twoHosts(stream);
        const durationMs = stream.logBetween(100, 60_000);
        cut(one, other, durationMs);
        cut(other, one, durationMs);
      },
      "network.oneWay": (stream) => {
        const [one, other] = this.#twoHosts(stream);
        cut(one, other, stream.logBetween(100, 60_000));
      },
      "network.isolate": (stream) => {
        const { host } = this.#node(stream);
        const durationMs = stream.logBetween(100, 60_000);
        const { metadata, objects, allHosts, brokers } = this.#cell;
        const stores = [metadata.service.host, objects.service.host];
        // The last: clients still reach it, and it tells them what it knows.
        const cutOff = stream.pick([
          allHosts,
          [...allHosts, ...stores],
          [...brokers.map((node) => node.host), ...stores],
        ]);
        for (const other of cutOff) {
          if (other === host) continue;
          cut(host, other, durationMs);
          cut(other, host, durationMs);
        }
      },
      "metadata.outage": (stream) => {
        const { service } = this.#cell.metadata;
        service.setOut(true);
        this.#forAWhile(stream.logBetween(1_000, 120_000), () => service.setOut(false));
      },
      "objects.outage": (stream) => {
        const { service } = this.#cell.objects;
        service.setOut(true);
        this.#forAWhile(stream.logBetween(1_000, 120_000), () => service.setOut(false));
      },
      "objects.slow": (stream) => {
        const { service } = this.#cell.objects;
        const leastMs = stream.logBetween(1_000, 4_000);
        service.setSlow([leastMs, 2 * leastMs]);
        this.#forAWhile(stream.logBetween(1_000, 120_000), () => service.setSlow(null));
      },
    };
  }

  #diskActions(): Partial<Record<FaultName, Action>> {
    return {
      "disk.slow": (stream) => {
        const { disk } = this.#node(stream);
        disk.setSlow(true);
        this.#forAWhile(stream.logBetween(1_000, 60_000), () => disk.setSlow(false));
      },
      "disk.full": (stream) => {
        const { disk } = this.#node(stream);
        disk.setFreeBytes(stream.int(300_000));
        this.#forAWhile(stream.logBetween(1_000, 60_000), () => disk.setFreeBytes(null));
      },
      "disk.bitFlip": (stream) => {
        this.#node(stream).disk.flipBit(/\/log\/wal-/, stream);
      },
    };
  }

  #processActions(): Partial<Record<FaultName, Action>> {
    return {
      "process.kill": (stream) => this.#node(stream).kill(),
      "process.stop": (stream) => void this.#node(stream).stop({ isRestarted: true }),
      "process.pause": (stream) => {
        const node = this.#node(stream);
        node.pause();
        this.#forAWhile(stream.logBetween(10, 60_000), () => node.resume());
      },
      "process.twice": (stream) => this.#node(stream).startSecond(),
      "host.crash": (stream) => {
        const node = this.#node(stream);
        const { host } = node;
        if (this.#isLying(node) && !this.#promises.bears(node)) return;
        host.crash();
        this.#forAWhile(stream.logBetween(100, 60_000), () => host.boot());
      },
      "cell.kill": () => {
        for (const node of this.#cell.brokers) node.kill();
      },
      "cell.crash": (stream) => {
        for (const node of this.#cell.brokers) {
          const { host } = node;
          if (this.#isLying(node)) continue;
          host.crash();
          this.#forAWhile(stream.logBetween(100, 60_000), () => host.boot());
        }
      },
      "host.wipe": (stream) => this.#wipe(stream),
      "cell.wipe": (stream) => this.#wipeAll(stream),
      "cell.sleep": (stream) => this.#sleeper.putToSleep(stream),
      "directory.rollBack": (stream) => this.#rollBack(stream),
      "clock.jump": (stream) => {
        const byMs = stream.logBetween(10, 3_600_000);
        this.#node(stream).host.setWallClock(stream.chance(0.5) ? byMs : -byMs);
      },
    };
  }

  /**
   * What its disk says is flushed is not: a power loss is the loss of a disk, of which a replica that nobody else has goes offline and waits for an operator.
   * A broker alone is spared nothing; what it promises was flushed before.
   */
  #isLying({ disk }: BrokerNode): boolean {
    return disk.hasFalsePages && this.#cell.brokers.length > 1;
  }

  #wipe(stream: Stream): void {
    const node = this.#node(stream);
    const durationMs = stream.logBetween(100, 60_000);
    const isNewVolume = stream.chance(0.5);
    if (!this.#mayTake(node)) return;
    node.host.crash();
    node.disk.wipe(node.directory, { isNewVolume });
    this.#forAWhile(durationMs, () => node.host.boot());
  }

  /**
   * Only where directories are known to go with their brokers: else each partition waits for an operator who elects, whoever is declared lost. Without packs it
   * costs what is in no segment. Whatever its brokers asked of the object store may still be done.
   */
  #wipeAll(stream: Stream): void {
    const { brokers } = this.#cell;
    if (!brokers.every(({ config }) => config.isEphemeral)) return;
    this.#world.trace(() => "every disk of the cell is lost");
    for (const node of brokers) {
      const { host, disk, directory } = node;
      host.crash();
      disk.wipe(directory, { isNewVolume: true });
      this.#forAWhile(stream.logBetween(100, 30_000), () => host.boot());
      for (const id of this.#promises.idsOn(node)) this.#stopped.add(id);
    }
    this.#promises.everyDiskLost();
    this.#giveUpSoon(this.#stopped);
  }

  /** The first time a copy is taken, the next time it is put back, if the directory has had another life since: else nothing could tell it from itself. */
  #rollBack(stream: Stream): void {
    const node = this.#node(stream);
    const copied = this.#copies.get(node);
    if (copied === undefined) {
      this.#copies.set(node, node.disk.copy(node.directory));
      return;
    }
    if (this.#isPresentLife(copied) || !this.#mayTake(node)) return;
    this.#copies.delete(node);
    this.#world.trace(() => `the directory of ${node.name} is rolled back`);
    node.kill();
    node.disk.restore(node.directory, copied);
  }

  #isPresentLife(copied: DirectoryCopy): boolean {
    const identity = Buffer.from(copied.get("/identity.json") ?? []).toString("utf8");
    const { brokers } = this.#cell.truth.image;
    return identity === "" || [...brokers.values()].some((b) => identity.includes(b.incarnation));
  }

  /** A disk may go where nothing that is promised goes with it. */
  #mayTake(node: BrokerNode): boolean {
    if (!this.#promises.bears(node)) {
      this.#world.trace(() => `${node.name} is spared: others need its disk`);
      return false;
    }
    this.#giveUpSoon(this.#promises.idsOn(node));
    return true;
  }

  #giveUpSoon(ids: Iterable<number>): void {
    for (const id of ids) this.#toGiveUp.add(id);
    this.#isGivingUp ??= this.#giveUp().finally(() => (this.#isGivingUp = null));
  }

  /** Resolves once the cell is awake, and nobody waits for a disk that is gone. */
  async whenHealed(): Promise<void> {
    await this.#sleeper.whenAwake();
    await this.#isGivingUp;
  }

  /** What an operator does about brokers whose disk is gone, or the function that asks ECS; of other ephemeral ones the cell finds out by itself. */
  async #giveUp(): Promise<void> {
    const { control, truth } = this.#cell;
    while (this.#toGiveUp.size > 0) {
      const pauseMs = this.#stopped.size > 0 ? 1_000 : 10_000;
      await new Promise<void>((resolve) => void this.#world.schedule(pauseMs, "nemesis", resolve));
      for (const brokerId of this.#toGiveUp) {
        const broker = truth.image.brokers.get(brokerId);
        const isToldByNobody = broker?.ephemeral === true && !this.#stopped.has(brokerId);
        if (broker === undefined || broker.isLost || isToldByNobody) {
          this.#toGiveUp.delete(brokerId);
        } else if (broker.state === "fenced") {
          const lost = { brokerId, brokerEpoch: broker.epoch };
          await control.attempt((image, context) => declareLost(image, lost, context));
        }
      }
    }
  }

  #node(stream: Stream): BrokerNode {
    return stream.pick(this.#cell.brokers);
  }

  #twoHosts(stream: Stream): [SimHost, SimHost] {
    const one = this.#node(stream).host;
    const others = this.#cell.allHosts.filter((host) => host !== one);
    return [one, stream.pick(others)];
  }
}
