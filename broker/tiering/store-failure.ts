import { ObjectStoreError } from "../../ports/object-store.ts";

/** The object store does not answer, or its answer was lost: the same may succeed later. */
export type Unavailable = { readonly kind: "unavailable"; readonly message: string };

/** What a call of the store has failed with. Any other error is a bug (a key that cannot be, say), and is thrown on. */
export function unavailable(error: unknown): Unavailable {
  if (error instanceof ObjectStoreError && error.code === "unavailable") {
    return { kind: "unavailable", message: error.message };
  }
  throw error;
}
