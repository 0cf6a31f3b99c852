/** How batches are compressed on the wire and on brokers' disks. */
export type Compression = "none" | "gzip" | "snappy" | "lz4" | "zstd";
