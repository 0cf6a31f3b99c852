import { sleepCell, wakeCell } from "../../../metadata/commands/sleep-cell.ts";
import type { BrokerNode } from "../cell/broker-node.ts";
import type { SimCell } from "../cell/sim-cell.ts";
import type { Stream } from "../world/random-streams.ts";

const lookEveryMs = 250;

/**
 * Puts the cell to sleep under load, and wakes it: what an operator does, and ECS with what the cell then says. One that does not fall asleep in time is
 * woken again. While it sleeps it needs no disk; some are gone when it wakes.
 */
export class Sleeper {
  readonly #cell: SimCell;
  /** Of those it takes a disk from. */
  readonly #onWiped: (node: BrokerNode) => void;
  #sleep: Promise<void> | null = null;
  #isOver = false;

  constructor(cell: SimCell, onWiped: (node: BrokerNode) => void) {
    this.#cell = cell;
    this.#onWiped = onWiped;
  }

  /** Nothing while the last sleep is not over. */
  putToSleep(stream: Stream): void {
    const plan = {
      patienceMs: stream.logBetween(2_000, 60_000),
      durationMs: stream.logBetween(100, 60_000),
      isWiped: this.#cell.brokers.map(() => stream.chance(0.5)),
      wakesAfterMs: this.#cell.brokers.map(() => stream.logBetween(1, 10_000)),
    };
    this.#sleep ??= this.#sleepAndWake(plan).finally(() => (this.#sleep = null));
  }

  /** Wakes the cell, and does not put it to sleep again. */
  stop(): void {
    this.#isOver = true;
  }

  whenAwake(): Promise<void> {
    return this.#sleep ?? Promise.resolve();
  }

  get #isAsleep(): boolean {
    return this.#cell.truth.image.sleep.state === "asleep";
  }

  async #sleepAndWake(plan: {
    readonly patienceMs: number;
    readonly durationMs: number;
    readonly isWiped: readonly boolean[];
    readonly wakesAfterMs: readonly number[];
  }): Promise<void> {
    const { control, brokers, world } = this.#cell;
    await control.attempt((image, context) => sleepCell(image, context));
    if (!(await this.#until(plan.patienceMs, () => this.#isAsleep))) {
      await control.attempt((image) => wakeCell(image));
      return;
    }
    world.trace(() => "the cell sleeps");
    await Promise.all(brokers.map((node) => node.stop()));
    for (const [at, node] of brokers.entries()) {
      // Somebody may have woken it meanwhile.
      if (!plan.isWiped[at]! || !this.#isAsleep || node.runs.size > 0) continue;
      world.trace(() => `${node.name} loses its disk asleep`);
      node.disk.wipe(node.directory, { isNewVolume: true });
      this.#onWiped(node);
    }
    await this.#until(plan.durationMs, () => false);
    const waking = brokers.map(async (node, at) => {
      await this.#until(plan.wakesAfterMs[at]!, () => false);
      // No process runs on a host that has lost its power meanwhile.
      await this.#until(Infinity, () => node.host.isUp);
      await node.start();
    });
    await Promise.all(waking);
  }

  /** Whether it came to be so in time. */
  async #until(limitMs: number, isSo: () => boolean): Promise<boolean> {
    const { world } = this.#cell;
    const endMs = world.nowMs + limitMs;
    while (!isSo()) {
      const leftMs = endMs - world.nowMs;
      if (leftMs <= 0 || this.#isOver) return false;
      const delayMs = Math.min(lookEveryMs, leftMs);
      await new Promise<void>((resolve) => void world.schedule(delayMs, "nemesis", resolve));
    }
    return true;
  }
}
