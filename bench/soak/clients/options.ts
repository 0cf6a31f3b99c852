export type Compression = "none" | "gzip" | "snappy" | "lz4" | "zstd";

/** How a client of the soak is told what to do: its arguments after the verb. */
export type WriterOptions = {
  /** Addresses, divided by commas. */
  readonly bootstrap: string;
  readonly compression: Compression;
};

export type ReaderOptions = {
  readonly bootstrap: string;
  readonly topics: readonly string[];
  /** Empty: no group, everything from the beginning, over and over. */
  readonly group: string;
  /** Records a second, 0 for as many as there are. */
  readonly rate: number;
};
