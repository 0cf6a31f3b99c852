/** One client library, driven to do what its users do. */
export type ClientDriver = {
  readonly name: string;
  readonly codecs: readonly Codec[];
  /** Why it cannot run here, or null. */
  unavailable(): string | null;
  produce(
    target: { bootstrap: string; topic: string; codec: Codec },
    lines: readonly Line[],
  ): Promise<void>;
  /** Reads `count` records as a member of `group`, from the beginning where the group has no offsets, and commits. */
  consume(
    source: { bootstrap: string; topic: string; group: string },
    count: number,
  ): Promise<Received[]>;
};

export type Codec = "none" | "gzip" | "snappy" | "lz4" | "zstd";
export const allCodecs: readonly Codec[] = ["none", "gzip", "snappy", "lz4", "zstd"];

export type Line = { key: string; value: string };
export type Received = Line & { partition: number; offset: number };
