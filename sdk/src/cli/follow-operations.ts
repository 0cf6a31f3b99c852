import type { OperationDescription } from "../control/cell.ts";
import { awaitOperations } from "./await-operations.ts";
import type { Context } from "./context.ts";
import { createProgress } from "./progress.ts";

/** Waits for them, with a progress bar in partitions for a person who looks. Ctrl-C gives up the wait, not the work. */
export async function followOperations(
  { myelin }: Pick<Context, "myelin">,
  operations: readonly OperationDescription[],
): Promise<OperationDescription[]> {
  const progress = createProgress({ unit: "partitions" });
  const stop = new AbortController();
  const interrupt = (): void => stop.abort();
  process.once("SIGINT", interrupt);
  try {
    return await awaitOperations({
      cell: myelin.cell,
      operations,
      signal: stop.signal,
      onProgress: (all) => progress.update(partitionsDone(all), fractionOf(all)),
    });
  } finally {
    process.off("SIGINT", interrupt);
    progress.end();
  }
}

/** A move is one partition, and done when all of its replicas are. */
function partitionsDone(all: readonly OperationDescription[]): number {
  return all.reduce((sum, { state, progress }) => {
    return sum + (progress.unit === "partitions" ? progress.done : state === "done" ? 1 : 0);
  }, 0);
}

function fractionOf(all: readonly OperationDescription[]): number | null {
  const total = all.reduce((sum, { progress }) => sum + progress.total, 0);
  const done = all.reduce((sum, { progress }) => sum + progress.done, 0);
  return total === 0 ? null : done / total;
}
