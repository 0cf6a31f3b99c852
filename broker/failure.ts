import type { ErrorName } from "../protocol/errors.ts";

/**
 * Why something that may well fail has failed, told by what has to happen next; the Kafka code follows from that and from who was asked
 * (handlers/failure.ts). Bugs are no failures: they throw.
 */
export type Failure =
  /** The client must change something before it asks again. */
  | { readonly kind: "rejected"; readonly error: ErrorName; readonly message: string | null }
  /** We lost the leadership that the operation needed: step down, and send the client to who has it. */
  | { readonly kind: "fenced"; readonly message: string | null }
  /** Nothing is wrong with the request; the same one may succeed later. */
  | { readonly kind: "unavailable"; readonly message: string | null }
  /** The client's bytes are not what they claim to be. */
  | { readonly kind: "corruptInput"; readonly message: string | null }
  /** Our own bytes are damaged: the replica goes offline and says so. */
  | { readonly kind: "corruptState"; readonly message: string | null };
