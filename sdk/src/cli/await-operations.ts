import type { CellControl, OperationDescription } from "../control/cell.ts";
import { MyelinError } from "../errors.ts";
import { CliError } from "./failure.ts";

export type Waiting = {
  readonly cell: Pick<CellControl, "operation" | "operations">;
  readonly operations: readonly OperationDescription[];
  readonly signal: AbortSignal;
  readonly onProgress: (all: readonly OperationDescription[]) => void;
  readonly everyMs?: number;
  /** How long all that is left may be held up: a broker that is starting anew holds a move up for seconds. */
  readonly patienceMs?: number;
};

/** Until all of them are done or canceled. Rejects when nothing goes on any more, and when the wait is given up; the cell goes on in either case. */
export async function awaitOperations(waiting: Waiting): Promise<OperationDescription[]> {
  const { signal, onProgress, everyMs = 1_000, patienceMs = 15_000 } = waiting;
  let all = [...waiting.operations];
  let blockedSinceMs: number | null = null;
  for (;;) {
    onProgress(all);
    const left = all.filter(({ state }) => state === "running" || state === "blocked");
    const [first] = left;
    if (first === undefined) return all;
    if (left.some(({ state }) => state === "running")) blockedSinceMs = null;
    else blockedSinceMs ??= performance.now();
    if (blockedSinceMs !== null && performance.now() - blockedSinceMs >= patienceMs)
      throw new CliError(
        `It does not go on: ${first.error ?? "nobody says why"}. Once that has changed it goes on by itself; see it with: myelin cell status`,
      );
    await pause(everyMs, signal);
    if (signal.aborted)
      throw new CliError(
        "Not waiting any longer; it goes on. See how far with: myelin cell status",
      );
    all = await refreshed(all, waiting.cell);
  }
}

/** One list for all of them; what is no longer in it is asked for by itself, for moves leave the list when they end. */
async function refreshed(
  all: readonly OperationDescription[],
  cell: Waiting["cell"],
): Promise<OperationDescription[]> {
  const listed = new Map((await cell.operations()).map((each) => [each.id, each]));
  const found: OperationDescription[] = [];
  for (const each of all) {
    const isOver = each.state === "done" || each.state === "canceled";
    found.push(isOver ? each : (listed.get(each.id) ?? (await ended(each, cell))));
  }
  return found;
}

/** A drain that was taken back leaves nothing that could be asked for. */
async function ended(
  before: OperationDescription,
  cell: Waiting["cell"],
): Promise<OperationDescription> {
  try {
    return await cell.operation(before.id);
  } catch (error) {
    const isGone = error instanceof MyelinError && error.code === "RESOURCE_NOT_FOUND";
    if (isGone) return { ...before, state: "canceled", error: null };
    throw error;
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done);
  });
}
