/** What one cell takes, by the names GET /v1/limits shows. Each limit is named in the message of the rejection it causes. */
export const limits = {
  clusters: 500,
  clusterNameLength: 63,
  clusterDescriptionLength: 1_000,
  topicsPerCluster: 10_000,
  topicNameLength: 249,
  partitionsPerTopic: 10_000,
  /** Bounds one entry of the metadata log. */
  newPartitionsPerRequest: 10_000,
  topicsPerRequest: 1_000,
  /** An image of 100,000 partitions takes about 50 MB in every process. */
  partitionsPerCell: 200_000,
  replicationFactor: 15,
  configValueLength: 8_192,
  idempotencyKeys: 10_000,
  idempotencyKeyLength: 255,
  idempotencyReplyBytes: 32_768,
  idempotencyBytes: 8 * 1024 * 1024,
  idempotencyRetentionMs: 24 * 60 * 60 * 1000,
} as const;
