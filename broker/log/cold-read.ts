import { skipGap } from "./gaps.ts";
import { ReadAnswer } from "./hot-read.ts";
import type { ReadRequest, ReadResult } from "./partition-log.ts";
import { findPiece, rowsFrom } from "./piece-view.ts";
import type { StoredLog } from "./stored-log.ts";

/** A read whose index lies at least partly in the footers of sealed files. */
export async function readCold(log: StoredLog, request: ReadRequest): Promise<ReadResult> {
  const answer = new ReadAnswer(log, request);
  try {
    while (answer.nextOffset < request.upToOffset && (await takePiece(log, answer)));
  } catch (error) {
    answer.discard();
    return { kind: "unavailable", reason: log.failure ?? String(error) };
  }
  if (log.failure !== null) {
    answer.discard();
    return { kind: "unavailable", reason: log.failure };
  }
  const result = answer.result();
  if (result.kind === "empty" && request.fromOffset < log.localStartOffset) {
    return { kind: "outOfRange" };
  }
  return result;
}

/** Nothing holds `offset`: the log start has passed it meanwhile, or else batches have been lost. */
const endAtHole = (log: StoredLog, offset: number): false => {
  if (offset >= log.localStartOffset && !log.isDropped) {
    log.context.onDamage(log, `nothing holds offset ${offset}`);
  }
  return false;
};

/** Adds what the next piece has; false when the answer is complete. */
async function takePiece(log: StoredLog, answer: ReadAnswer): Promise<boolean> {
  const view = await findPiece(log, answer.nextOffset);
  if (view === null) return false;
  for (;;) {
    const { file, rows } = await rowsFrom(log, view, answer.nextOffset);
    // Reclaimed since: what is taken below is pinned from then on.
    if (file.isRetired && rows.length > 0) continue;
    if (rows.length === 0) return answer.nextOffset >= view.endOffset;
    for (const row of rows) {
      if (row.baseOffset > skipGap(log.gaps, answer.nextOffset))
        return endAtHole(log, answer.nextOffset);
      if (!answer.take(file, row)) return false;
    }
  }
}
