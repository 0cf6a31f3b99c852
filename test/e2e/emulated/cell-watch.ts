import { setTimeout as sleep } from "node:timers/promises";
import type { CellStatus } from "../../../sdk/src/control/cell.ts";
import type { Myelin } from "../../../sdk/src/myelin.ts";

/** What a cell said of itself over a while, asked again and again. */
export type CellWatch = {
  /** What was not well, with the time that the watch had run. */
  readonly problems: readonly string[];
  readonly looks: () => number;
  /** Brokers that the cell was told to empty, in the order in which it was seen. */
  readonly drained: readonly number[];
  stop(): Promise<void>;
};

const lookMs = 400;

export function watchCell(myelin: Myelin): CellWatch {
  const problems: string[] = [];
  const drained: number[] = [];
  const stopping = new AbortController();
  const startMs = Date.now();
  let looks = 0;

  function look({ brokers, offline, underMinIsr, underReplicated, unhealthy }: CellStatus): void {
    looks += 1;
    const emptied = brokers.filter(({ drain, state }) => drain !== null && state === "active");
    for (const { id } of emptied) if (!drained.includes(id)) drained.push(id);
    const atMs = Date.now() - startMs;
    if (emptied.length > 1) {
      const ids = emptied.map(({ id }) => id).join(", ");
      problems.push(`${atMs} ms: brokers ${ids} are emptied at a time`);
    }
    if (offline + underMinIsr + underReplicated > 0) {
      const counts = JSON.stringify({ offline, underMinIsr, underReplicated });
      problems.push(`${atMs} ms: ${counts} ${JSON.stringify(unhealthy.slice(0, 2))}`);
    }
  }

  async function keepLooking(): Promise<void> {
    while (!stopping.signal.aborted) {
      look(await myelin.cell.status());
      await sleep(lookMs, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  }

  const looking = keepLooking().catch((error: unknown) => void problems.push(String(error)));
  return {
    problems,
    looks: () => looks,
    drained,
    async stop() {
      stopping.abort();
      await looking;
    },
  };
}
