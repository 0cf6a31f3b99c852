/** The name of the object metadata that says which put an object is of. */
const name = "put";

/**
 * Each put carries 16 random bytes with its object. They say whose object stands where a condition is unmet: a put that timed out may have been
 * carried out all the same, and its next attempt then meets its own object. The ETag would not do: the same bytes have the same one.
 */
export const nonceBytes = 16;

export function metadataOf(nonce: string): Record<string, string> {
  return { [name]: nonce };
}

export function nonceOf(metadata: Record<string, string> | undefined): string | null {
  return metadata?.[name] ?? null;
}
