import { data, type Infer } from "../schema/message.ts";
import { int64 } from "../schema/types.ts";

// An entry of a segment's transaction index: tells a read_committed fetch which offsets to hide (KIP-98).
export const abortedTxn = data(
  { versions: [0, 0], flexible: null },
  {
    producerId: int64,
    firstOffset: int64,
    lastOffset: int64,
    lastStableOffset: int64,
  },
);
export type AbortedTxn = Infer<typeof abortedTxn>;
