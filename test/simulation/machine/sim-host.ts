import type { World } from "../world/world.ts";
import type { SimProcess } from "./sim-process.ts";

/** What all wall clocks show when a world begins, but for their skew. */
const epochMs = Date.UTC(2026, 0, 1);

/** What happens to a host as a whole, told to its disk and its network interface. */
type HostListener = {
  readonly lostPower?: () => void;
  readonly booted?: () => void;
};

/** One machine: processes, a clock, and whatever else is tied to its name. */
export class SimHost {
  readonly name: string;
  readonly zone: string;
  readonly processes = new Set<SimProcess>();
  readonly #world: World;
  readonly #listeners: HostListener[] = [];
  /** How fast its clocks run, of one. */
  readonly clockRate: number;
  readonly #monotonicOriginMs: number;
  #wallOffsetMs: number;
  #isUp = true;
  /** Counts starts of the kernel. */
  bootNumber = 1;

  constructor(world: World, { name, zone }: { name: string; zone: string }) {
    this.#world = world;
    this.name = name;
    this.zone = zone;
    const stream = world.stream(`clock ${name}`);
    const skewMs = world.faults.rate("clock.skew");
    this.clockRate = 1 + (stream.between(-1, 1) * world.faults.rate("clock.drift")) / 1e6;
    this.#wallOffsetMs = epochMs + stream.between(-1, 1) * skewMs;
    this.#monotonicOriginMs = stream.between(1_000, 1e7);
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  /** Wall time, which may be wrong and may step. */
  get wallMs(): number {
    return Math.floor(this.#wallOffsetMs + this.#world.nowMs * this.clockRate);
  }

  get monotonicMs(): number {
    return this.#monotonicOriginMs + this.#world.nowMs * this.clockRate;
  }

  /** Somebody, or NTP, sets the wall clock. */
  setWallClock(byMs: number): void {
    this.#world.trace(() => `the clock of ${this.name} is set by ${Math.round(byMs)} ms`);
    this.#wallOffsetMs += byMs;
  }

  onHostEvent(listener: HostListener): void {
    this.#listeners.push(listener);
  }

  /** The power goes: no process says goodbye, and nobody on the network is told. */
  crash(): void {
    if (!this.#isUp) return;
    this.#world.trace(() => `${this.name} loses power`);
    this.#isUp = false;
    for (const process of Array.from(this.processes)) process.kill();
    for (const { lostPower } of this.#listeners) lostPower?.();
  }

  /** Up again, with a new kernel and no processes. */
  boot(): void {
    if (this.#isUp) return;
    this.#world.trace(() => `${this.name} is up again`);
    this.#isUp = true;
    this.bootNumber++;
    for (const { booted } of this.#listeners) booted?.();
  }
}
