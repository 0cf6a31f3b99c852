/** KRaft's name for the metadata log, and the id that is its own in every Kafka cluster (Uuid.METADATA_TOPIC_ID: 0, 1). */
export const metadataTopic = { name: "__cluster_metadata", topicId: "AAAAAAAAAAAAAAAAAAAAAQ" };
