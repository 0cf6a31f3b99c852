import { assertEntryFits } from "../../../adapters/memory/metadata-log.ts";
import type { MetadataEntry, MetadataLog } from "../../../ports/metadata-log.ts";
import { MetadataLogError } from "../../../ports/metadata-log.ts";
import { SimHost } from "../machine/sim-host.ts";
import type { SimProcess } from "../machine/sim-process.ts";
import type { SimNetwork } from "../network/sim-network.ts";
import type { World } from "../world/world.ts";
import { RemoteService } from "./remote-service.ts";

/** Hears of every entry the moment it is accepted. */
export type EntryListener = (revision: number, entry: Uint8Array) => void;

/** The cell's metadata log, as DynamoDB holds it: one for all simulated processes. */
export class SimMetadataLog {
  readonly service: RemoteService;
  readonly #world: World;
  readonly #entries: Uint8Array[] = [];
  #first = 1;
  readonly #entryListeners: EntryListener[] = [];
  readonly #hintListeners = new Map<() => void, SimProcess>();
  /** Calls by kind since the start, for what a cell costs. */
  readonly counts = { append: 0, read: 0, trim: 0 };

  constructor(world: World, network: SimNetwork, name = "dynamodb") {
    this.#world = world;
    this.service = new RemoteService({
      world,
      network,
      host: new SimHost(world, { name, zone: "region" }),
      kind: "metadata",
      latencyMs: [3, 12],
      lateMs: [100, 10_000],
      stallMs: [500, 5_000],
      faults: {
        before: "metadata.failsBefore",
        after: "metadata.failsAfter",
        late: "metadata.appliesLate",
        stall: "metadata.stall",
      },
      unavailable: (why) => new MetadataLogError("unavailable", why),
    });
  }

  get head(): number {
    return this.#first + this.#entries.length - 1;
  }

  onEntry(listener: EntryListener): void {
    this.#entryListeners.push(listener);
  }

  open(process: SimProcess): MetadataLog {
    const own = new Set<() => void>();
    let isClosed = false;
    const use = <T>(kind: keyof typeof this.counts, what: string, effect: () => T): Promise<T> => {
      if (isClosed) return Promise.reject(new MetadataLogError("closed", "the log is closed"));
      this.counts[kind]++;
      return this.service.call(process, what, effect);
    };
    const add = async (
      revision: number,
      entry: Uint8Array,
      isGenesis: boolean,
    ): Promise<"accepted" | "conflict"> => {
      assertEntryFits(entry);
      const copy = entry.slice();
      return use("append", `append of entry ${revision}`, () =>
        this.#append(revision, copy, isGenesis),
      );
    };
    const forgetAll = (): void => {
      for (const listener of own) this.#hintListeners.delete(listener);
    };
    process.onEnd(forgetAll);
    return {
      append: (revision, entry) => add(revision, entry, false),
      genesis: (revision, entry) => add(revision, entry, true),
      read: (from, limit) => use("read", `read from entry ${from}`, () => this.#read(from, limit)),
      trim: (before) => use("trim", `trim before entry ${before}`, () => this.#trim(before)),
      onAppend: (listener) => {
        // Wrapped, so that the same function given twice is called twice.
        const wrapped = (): void => listener();
        own.add(wrapped);
        this.#hintListeners.set(wrapped, process);
        return () => {
          own.delete(wrapped);
          this.#hintListeners.delete(wrapped);
        };
      },
      async close() {
        isClosed = true;
        forgetAll();
      },
    };
  }

  #append(revision: number, entry: Uint8Array, isGenesis: boolean): "accepted" | "conflict" {
    const isNext = isGenesis
      ? this.#entries.length === 0 && revision >= 1
      : this.#entries.length > 0 && revision === this.head + 1;
    if (!isNext) return "conflict";
    if (isGenesis) this.#first = revision;
    this.#entries.push(entry);
    this.#world.hash.add(revision);
    this.#world.hash.addBytes(entry);
    for (const listener of this.#entryListeners) listener(revision, entry);
    for (const [listener, process] of this.#hintListeners) this.#hint(listener, process);
    return "accepted";
  }

  #hint(listener: () => void, process: SimProcess): void {
    const { faults } = this.#world;
    const stream = this.#world.stream("metadata hints");
    if (faults.strikes("metadata.hintLost")) return;
    const times = faults.strikes("metadata.hintTwice") ? 2 : 1;
    for (let time = 0; time < times; time++) {
      this.#world.schedule(stream.logBetween(1, 50), "metadata", () => {
        if (this.#hintListeners.has(listener)) process.deliver(listener);
      });
    }
  }

  #read(from: number, limit: number): MetadataEntry[] | "trimmed" {
    if (this.#entries.length === 0) return [];
    if (from < this.#first) return "trimmed";
    const start = from - this.#first;
    // Everyone gets the same bytes, which nobody changes: cells of a hundred brokers read each entry a hundred times.
    return this.#entries
      .slice(start, start + limit)
      .map((entry, index) => ({ revision: from + index, entry }));
  }

  #trim(before: number): void {
    const dropped = Math.min(before - this.#first, this.#entries.length - 1);
    if (dropped <= 0) return;
    this.#world.trace(() => `the metadata log is trimmed before ${this.#first + dropped}`);
    this.#entries.splice(0, dropped);
    this.#first += dropped;
  }
}
