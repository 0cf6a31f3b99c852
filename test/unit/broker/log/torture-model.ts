import type { Durability } from "../../../../broker/log/partition-log.ts";

// What a log must hold, kept as a list. Every operation has a number, given in the order of the calls, which is the order of the WAL: so what a crash may take
// is everything behind some number, and nothing in front of it.

export type ModelBatch = {
  op: number;
  readonly baseOffset: number;
  readonly lastOffset: number;
  /** As stamped: byte for byte what a reader gets. */
  readonly bytes: Buffer;
  readonly durability: Durability;
  readonly epoch: number;
  readonly timestamps: readonly number[];
  readonly producer: { readonly id: number; readonly sequence: number } | null;
  isAcked: boolean;
};

export type ModelLog = {
  createdOp: number;
  /** Infinity while it lives. */
  droppedOp: number;
  batches: ModelBatch[];
  /** What was there before a truncation or a failed write of that number. */
  pasts: { op: number; batches: ModelBatch[] }[];
  starts: { op: number; offset: number }[];
  /** Next sequence by producer id. */
  sequences: Map<number, number>;
  /** Something was taken from its end since it was made. */
  isCut: boolean;
};

export const newModelLog = (op: number): ModelLog => ({
  createdOp: op,
  droppedOp: Infinity,
  batches: [],
  pasts: [],
  starts: [],
  sequences: new Map(),
  isCut: false,
});

export const endOf = (batches: readonly ModelBatch[]): number =>
  batches.length === 0 ? 0 : batches[batches.length - 1]!.lastOffset + 1;

/** Cuts the list, and remembers what was there in case the cut itself is lost. */
export function cutModel(model: ModelLog, op: number, endOffset: number): void {
  model.pasts.push({ op, batches: model.batches.slice() });
  model.isCut = true;
  model.batches = model.batches.filter((batch) => batch.lastOffset < endOffset);
  model.sequences = sequencesOf(model.batches);
}

export function sequencesOf(batches: readonly ModelBatch[]): Map<number, number> {
  const sequences = new Map<number, number>();
  for (const { producer, timestamps } of batches) {
    if (producer !== null) sequences.set(producer.id, producer.sequence + timestamps.length);
  }
  return sequences;
}

/** What a start found of a log. */
export type Found = {
  readonly logStartOffset: number;
  readonly endOffset: number;
  /** Every batch from the one that holds the log start on. */
  readonly batches: readonly Buffer[];
};

/** Why `found` cannot be this log if everything up to `mark` must be there; null if it can. Then the model is what was found. */
export function reconcile(model: ModelLog, found: Found | null, mark: number): string | null {
  if (model.createdOp > mark && found === null) return null;
  if (found === null) return "the log is gone";
  if (model.droppedOp < Infinity && model.droppedOp <= mark) return "a dropped log came back";
  const least = Math.max(0, ...model.starts.filter(({ op }) => op <= mark).map((s) => s.offset));
  const most = Math.max(0, ...model.starts.map(({ offset }) => offset));
  if (found.logStartOffset < least)
    return `log start went back to ${found.logStartOffset}, ${least} was kept`;
  if (found.logStartOffset > most) return `log start ${found.logStartOffset} was never asked for`;
  const pasts = model.pasts.filter(({ op }) => op > mark).map(({ batches }) => batches);
  const reasons: string[] = [];
  for (const batches of [model.batches, ...pasts]) {
    const wrong = difference(batches, found, mark);
    if (wrong !== null) {
      reasons.push(wrong);
      continue;
    }
    adopt(model, batches, found);
    return null;
  }
  return reasons.join(", nor: ");
}

const difference = (batches: readonly ModelBatch[], found: Found, mark: number): string | null => {
  const required = endOf(batches.filter(({ op, isAcked }) => isAcked && op <= mark));
  if (found.endOffset < required)
    return `ends at ${found.endOffset}, acknowledged up to ${required}`;
  const kept = batches.filter(
    ({ lastOffset }) => lastOffset >= found.logStartOffset && lastOffset < found.endOffset,
  );
  if (endOf(batches.filter(({ lastOffset }) => lastOffset < found.endOffset)) !== found.endOffset) {
    return `ends at ${found.endOffset}, where no batch ends`;
  }
  if (kept.length !== found.batches.length) {
    return `${found.batches.length} batches (${found.batches.map((b) => Number(b.readBigInt64BE(0))).join()}) from ${found.logStartOffset} to ${found.endOffset}, expected ${kept.length}`;
  }
  const wrong = kept.findIndex(({ bytes }, place) => !bytes.equals(found.batches[place]!));
  return wrong < 0 ? null : `the batch at ${kept[wrong]!.baseOffset} is another`;
};

const adopt = (model: ModelLog, batches: readonly ModelBatch[], found: Found): void => {
  model.batches = batches.filter(({ lastOffset }) => lastOffset < found.endOffset);
  for (const batch of model.batches) {
    batch.op = 0;
    batch.isAcked = true;
  }
  model.createdOp = 0;
  model.droppedOp = Infinity;
  model.pasts = [];
  model.starts = [{ op: 0, offset: found.logStartOffset }];
  model.sequences = sequencesOf(model.batches);
};
