import type { World } from "../world/world.ts";
import type { SimHost } from "./sim-host.ts";

type HeldTimer = { readonly dueMs: number; readonly sequence: number; readonly run: () => void };

/**
 * One process on a simulated host: what happens to it happens through here, so that killing it is no more than not telling it anything again. Its memory,
 * its pending promises included, is garbage from then on.
 */
export class SimProcess {
  readonly name: string;
  readonly host: SimHost;
  readonly #world: World;
  #state: "running" | "paused" | "dead" = "running";
  #heldTimers: HeldTimer[] = [];
  #heldDeliveries: (() => void)[] = [];
  /** Called whenever it runs: what it holds may have changed. */
  onTouched: (() => void) | null = null;
  readonly #endings = new Set<() => void>();
  readonly #resumptions = new Set<() => void>();

  constructor(world: World, host: SimHost, name: string) {
    this.#world = world;
    this.host = host;
    this.name = name;
    host.processes.add(this);
  }

  get isDead(): boolean {
    return this.#state === "dead";
  }

  get isPaused(): boolean {
    return this.#state === "paused";
  }

  get isRunning(): boolean {
    return this.#state === "running";
  }

  /** Something outside is done, or has come: the process hears of it now, at SIGCONT if it is stopped, or never. */
  deliver(run: () => void): void {
    if (this.#state === "running") this.#enter(run);
    else if (this.#state === "paused") this.#heldDeliveries.push(run);
  }

  /** A timer is due. */
  fire(timer: HeldTimer): void {
    if (this.#state === "running") this.#enter(timer.run);
    else if (this.#state === "paused") this.#heldTimers.push(timer);
  }

  /** Called when the process ends, however it does: the kernel closes what it had open. The result takes it back. */
  onEnd(ending: () => void): () => void {
    this.#endings.add(ending);
    return () => this.#endings.delete(ending);
  }

  /** Called at SIGCONT, behind what was held. */
  onResume(resumption: () => void): () => void {
    this.#resumptions.add(resumption);
    return () => this.#resumptions.delete(resumption);
  }

  /** SIGSTOP. */
  pause(): void {
    if (this.#state !== "running") return;
    this.#world.trace(() => `${this.name} is stopped`);
    this.#state = "paused";
  }

  /** SIGCONT: timers that fell due meanwhile fire first, all late, and only then what came over the network or from the disk (as libuv's loop does). */
  resume(): void {
    if (this.#state !== "paused") return;
    this.#world.trace(() => `${this.name} goes on`);
    this.#state = "running";
    const timers = this.#heldTimers.toSorted(
      (a, b) => a.dueMs - b.dueMs || a.sequence - b.sequence,
    );
    const deliveries = this.#heldDeliveries;
    this.#heldTimers = [];
    this.#heldDeliveries = [];
    for (const timer of timers) this.#world.schedule(0, "timer", () => this.fire(timer));
    for (const run of deliveries) this.#world.schedule(0, "task", () => this.deliver(run));
    for (const run of this.#resumptions) this.#world.schedule(0, "task", run);
  }

  /** kill -9, or the process's own exit. */
  kill(): void {
    if (this.#state === "dead") return;
    this.#state = "dead";
    this.#heldTimers = [];
    this.#heldDeliveries = [];
    this.host.processes.delete(this);
    const endings = Array.from(this.#endings);
    this.#endings.clear();
    this.#resumptions.clear();
    for (const ending of endings) ending();
  }

  #enter(run: () => void): void {
    this.onTouched?.();
    try {
      run();
    } catch (error) {
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
      this.#world.fail(`${this.name} ends with an exception that nobody caught: ${text}`, error);
    }
  }
}
