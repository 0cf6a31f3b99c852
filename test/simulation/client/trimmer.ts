import { errorNameOf } from "../../../protocol/errors.ts";
import {
  deleteRecordsRequest,
  deleteRecordsResponse,
} from "../../../protocol/messages/delete-records.ts";
import type { ClientPlace } from "../cell/sim-cell.ts";
import type { History } from "../history/history.ts";
import { ClusterClient } from "./cluster-client.ts";
import { earliest, Fetcher, latest } from "./fetcher.ts";
import { NoAnswer } from "./wire-connection.ts";

export type TrimmerOptions = {
  readonly name: string;
  readonly history: History;
  readonly topic: string;
  readonly partitionCount: number;
  readonly pauseMs: number;
};

const version = 2;
const timeoutMs = 5_000;

/** Deletes records from the front, now and then (KIP-107), as streams applications do. */
export class Trimmer {
  readonly #client: ClusterClient;
  readonly #fetcher: Fetcher;
  readonly #place: ClientPlace;
  readonly #options: TrimmerOptions;
  #isStopped = false;

  constructor(place: ClientPlace, options: TrimmerOptions) {
    this.#place = place;
    this.#options = options;
    this.#client = new ClusterClient(place);
    const { name, history, topic } = options;
    this.#client.want([topic]);
    const reads = { usesSessions: false, maxWaitMs: 0, maxBytes: 0, rack: "" };
    this.#fetcher = new Fetcher(this.#client, { name, history, ...reads });
  }

  async run(): Promise<void> {
    const { topic, partitionCount, pauseMs } = this.#options;
    const { stream } = this.#place;
    while (!this.#isStopped) {
      await this.#client.sleep(pauseMs * stream.between(0.5, 2));
      const place = { topic, index: stream.int(partitionCount) };
      const start = await this.#fetcher.list(place, earliest);
      const end = await this.#fetcher.list(place, latest);
      if (start === null || end === null || end <= start) continue;
      await this.delete(place, start + 1 + stream.int(Math.min(end - start, 1e9)));
    }
    this.#client.disconnect();
  }

  /** The log start it was told of, or null: refused, or without an answer. */
  async delete(
    { topic, index }: { readonly topic: string; readonly index: number },
    offset: number,
  ): Promise<number | null> {
    try {
      const leader = await this.#client.leaderOf(topic, index);
      if (leader === null) return null;
      const connection = await this.#client.connectionTo(leader.nodeId);
      const partitions = [{ partitionIndex: index, offset }];
      const body = { topics: [{ name: topic, partitions }], timeoutMs };
      const options = { version, timeoutMs };
      const answer = await connection.call(
        deleteRecordsRequest,
        deleteRecordsResponse,
        options,
        body,
      );
      const told = answer.topics[0]?.partitions[0];
      if (told === undefined) return null;
      if (told.errorCode === 0) return told.lowWatermark;
      const { world } = this.#place;
      world.trace(() => `${this.#options.name} is told ${errorNameOf(told.errorCode)}`);
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
    }
    await this.#client.refresh();
    return null;
  }

  stop(): void {
    this.#isStopped = true;
  }
}
