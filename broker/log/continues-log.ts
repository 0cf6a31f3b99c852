import type { StoredLog } from "./stored-log.ts";

/**
 * Whether a batch goes where the log ends. DeleteRecords may have the log begin inside of a batch, which stays whole: to a log that has nothing yet it is what
 * comes first.
 */
export const continuesLog = (
  { logStartOffset, localStartOffset, nextOffset }: StoredLog,
  { baseOffset, lastOffset }: { readonly baseOffset: number; readonly lastOffset: number },
): boolean => {
  if (baseOffset === nextOffset) return true;
  const isEmpty = nextOffset === localStartOffset && nextOffset === logStartOffset;
  return isEmpty && baseOffset < nextOffset && nextOffset <= lastOffset;
};
