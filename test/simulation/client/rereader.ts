import type { ClientPlace } from "../cell/sim-cell.ts";
import type { History } from "../history/history.ts";
import { ClusterClient } from "./cluster-client.ts";
import { earliest, Fetcher, latest } from "./fetcher.ts";

export type RereaderOptions = {
  readonly name: string;
  readonly history: History;
  readonly topic: string;
  readonly partitionCount: number;
  readonly pauseMs: number;
};

/** Goes back, again and again: to the beginning, to an offset drawn between beginning and end, or to a time. Reads on from there for a while. */
export class Rereader {
  readonly #client: ClusterClient;
  readonly #fetcher: Fetcher;
  readonly #place: ClientPlace;
  readonly #options: RereaderOptions;
  readonly #startedMs: number;
  #isStopped = false;

  constructor(place: ClientPlace, options: RereaderOptions) {
    this.#place = place;
    this.#options = options;
    this.#startedMs = place.clock.nowMs();
    this.#client = new ClusterClient(place);
    this.#fetcher = new Fetcher(this.#client, {
      name: options.name,
      history: options.history,
      usesSessions: place.stream.chance(0.5),
      maxWaitMs: 200,
      maxBytes: place.stream.pick([500, 8_000, 256_000]),
      rack: "",
    });
  }

  async run(): Promise<void> {
    const { topic, partitionCount, pauseMs } = this.#options;
    const { stream } = this.#place;
    this.#client.want([topic]);
    void this.#fetcher.run();
    while (!this.#isStopped) {
      const place = { topic, index: stream.int(partitionCount) };
      const position = await this.#drawPosition(place);
      if (position !== null) this.#fetcher.assign([{ ...place, position }]);
      await this.#client.sleep(pauseMs * stream.between(0.5, 2));
    }
  }

  async #drawPosition(place: { topic: string; index: number }): Promise<number | null> {
    const { stream, clock } = this.#place;
    const how = stream.pick(["earliest", "anywhere", "anywhere", "time"] as const);
    if (how === "time") {
      const atMs = stream.between(this.#startedMs, Math.max(this.#startedMs, clock.nowMs()));
      const found = await this.#fetcher.list(place, Math.floor(atMs));
      return found === null || found < 0 ? null : found;
    }
    const start = await this.#fetcher.list(place, earliest);
    if (how === "earliest" || start === null) return start;
    const end = await this.#fetcher.list(place, latest);
    // Behind a recovery's gap there is more than one can draw an offset from.
    if (end === null || end <= start || end - start > 1e9) return start;
    return start + stream.int(end - start);
  }

  stop(): void {
    this.#isStopped = true;
    this.#fetcher.stop();
    this.#client.disconnect();
  }
}
