/** The topics of a cluster, as the metadata image has them; the groups room does not know the image. Must be current when the first shard loads. */
export type TopicLookup = {
  byName(clusterId: string, name: string): FoundTopic | null;
  byId(clusterId: string, topicId: string): FoundTopic | null;
};

export type FoundTopic = {
  readonly name: string;
  readonly topicId: string;
  readonly partitionCount: number;
};
