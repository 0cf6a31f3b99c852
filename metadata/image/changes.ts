import type { Cluster, PurgingTopic } from "./image.ts";

/** What an applied entry changed, for those who hold something derived from the image. */
export type MetadataChange =
  | { readonly kind: "clusterCreated"; readonly clusterId: string }
  | { readonly kind: "clusterUpdated"; readonly clusterId: string }
  | { readonly kind: "clusterDeleted"; readonly cluster: Cluster }
  | { readonly kind: "topicCreated"; readonly topicId: string }
  | { readonly kind: "partitionsAdded"; readonly topicId: string; readonly firstIndex: number }
  | {
      readonly kind: "partitionChanged";
      readonly topicId: string;
      readonly index: number;
      /** The leader, or the epoch it leads in, is another. */
      readonly isLeaderChanged: boolean;
    }
  | { readonly kind: "topicConfigsChanged"; readonly topicId: string }
  /** Settings of every topic of the cluster may have changed. */
  | { readonly kind: "clusterDefaultsChanged"; readonly clusterId: string }
  | { readonly kind: "topicDeleted"; readonly topic: PurgingTopic }
  | { readonly kind: "topicPurged"; readonly topicId: string }
  | { readonly kind: "brokerRegistered"; readonly brokerId: number }
  | { readonly kind: "brokerStateChanged"; readonly brokerId: number }
  | { readonly kind: "brokerUnregistered"; readonly brokerId: number }
  | { readonly kind: "controllerChanged" }
  /** It falls asleep, sleeps, or is awake again. */
  | { readonly kind: "cellSleepChanged" }
  | { readonly kind: "levelChanged" }
  /** The image was loaded anew (start, or this process fell behind a trim): compare with everything in it. */
  | { readonly kind: "reloaded" };
