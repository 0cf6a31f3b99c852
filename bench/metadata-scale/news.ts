import type { MetadataFetchAnswer } from "../../broker/cell/metadata-fetch.ts";
import type { MetadataChange } from "../../metadata/image/changes.ts";
import type { ScaleBroker } from "./broker.ts";
import { brokerOf } from "./cell.ts";
import type { ScaleCell } from "./cell.ts";
import { travel } from "./messages.ts";
import type { SharedReplica } from "./replica.ts";
import { onlyUnavailable } from "./unavailable.ts";

/** A broker's question that waits at the controller until there is more of the log: broker/cell/metadata-follower.ts without its connections. */
export type News = {
  run(): Promise<void>;
  applied(changes: readonly MetadataChange[]): void;
  /** The connection to the controller, over which the question went, was closed by its kernel. */
  closed(brokerId: number): void;
  stop(): void;
};

const maxWaitMs = 5_000;
const answerTimeMs = 3_000;
const retryMs = 300;

export function createNews(cell: ScaleCell, broker: ScaleBroker, replica: SharedReplica): News {
  const { clock, config } = cell;
  let isStopped = false;
  let asked: { controllerId: number; give: (answer: MetadataFetchAnswer) => void } | null = null;

  const controllerId = (): number | null => {
    const { brokerId } = replica.image.controller;
    return brokerId === broker.brokerId ? null : brokerId;
  };
  const pause = (): Promise<void> => new Promise((resolve) => void clock.after(retryMs, resolve));

  function ask(id: number): Promise<MetadataFetchAnswer> {
    const { revision } = replica;
    const { brokerEpoch } = broker.running?.state ?? { brokerEpoch: -1 };
    const fetch = { brokerId: broker.brokerId, brokerEpoch, revision, awaitsAll: false, maxWaitMs };
    return new Promise((resolve) => {
      const give = (answer: MetadataFetchAnswer): void => {
        cancel();
        asked = null;
        resolve(answer);
      };
      const cancel = clock.after(maxWaitMs + answerTimeMs, () => give(null));
      asked = { controllerId: id, give };
      const to = brokerOf(cell, id);
      if (to === undefined || !to.isHostUp) return;
      if (to.running === null) return travel(cell, broker, () => give(null));
      travel(cell, to, ({ feed }) => {
        void feed
          .fetched(fetch, () => () => undefined)
          .then((answer) => {
            travel(cell, broker, () => give(answer));
          });
      });
    });
  }

  return {
    async run() {
      while (!isStopped) {
        const askedMs = clock.monotonicMs();
        const id = controllerId();
        const answer = id === null ? null : await ask(id);
        if (isStopped) return;
        replica.pollEvery(answer === null ? config.pollMs : config.toldPollMs);
        if (answer !== null && answer.revision > replica.revision) {
          await replica.readToHead().catch(onlyUnavailable);
        } else if (answer === null || clock.monotonicMs() - askedMs < retryMs) await pause();
      }
    },
    applied(changes) {
      const isMoved = changes.some(({ kind }) => kind === "controllerChanged");
      if (isMoved && asked !== null && asked.controllerId !== controllerId()) asked.give(null);
    },
    closed(brokerId) {
      if (asked?.controllerId === brokerId) asked.give(null);
    },
    stop() {
      isStopped = true;
      asked?.give(null);
    },
  };
}
