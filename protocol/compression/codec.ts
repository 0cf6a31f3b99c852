/** Kafka's names (`compression.type`), in the order of the codec numbers in a batch's attributes. */
export const codecNames = ["none", "gzip", "snappy", "lz4", "zstd"] as const;

export type Codec = (typeof codecNames)[number];

/** The codec of that number, or null for the numbers 5 to 7, which Kafka has not given out. */
export const codecOfId = (id: number): Codec | null => codecNames[id] ?? null;

export const codecId = (codec: Codec): number => codecNames.indexOf(codec);

/** `tooLarge`: the output would pass the bound that was given. `corruptInput`: these bytes are not what the codec writes. */
export type DecompressionFailure = {
  readonly kind: "tooLarge" | "corruptInput";
  readonly message: string;
};

export type Decompressed =
  | { readonly kind: "decompressed"; readonly bytes: Uint8Array }
  | DecompressionFailure;
