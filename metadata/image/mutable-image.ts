import type {
  Broker,
  Cluster,
  IdempotencyKey,
  Image,
  PurgingTopic,
  Question,
  Topic,
} from "./image.ts";

export type MutableTopic = { -readonly [Key in keyof Omit<Topic, "partitions">]: Topic[Key] } & {
  partitions: Topic["partitions"][number][];
};

type MutableTopicNames = {
  byName: Map<string, MutableTopic>;
  byCollisionKey: Map<string, MutableTopic>;
};

type MutableMaps = {
  questions: Map<number, Question>;
  clusters: Map<string, Cluster>;
  clustersByName: Map<string, Cluster>;
  clustersByPortOffset: Map<number, Cluster>;
  epochFloors: Map<string, number>;
  topics: Map<string, MutableTopic>;
  topicNames: Map<string, MutableTopicNames>;
  purgingTopics: Map<string, PurgingTopic>;
  brokers: Map<number, Broker>;
  brokerLoads: Map<number, { replicaCount: number; leaderCount: number }>;
  idempotencyKeys: Map<string, IdempotencyKey>;
};

/** The image as image/apply.ts sees it. The maps are the same objects everyone else reads. */
export type MutableImage = {
  -readonly [Key in keyof Omit<Image, keyof MutableMaps>]: Image[Key];
} & MutableMaps;

/** Only image/ changes an image; createImage made its maps and they are not frozen. */
export function mutable(image: Image): MutableImage {
  return image as MutableImage;
}
