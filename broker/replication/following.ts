import type { Recovery } from "./follower-step.ts";
import type { Tier } from "../cold/tier.ts";
import { notePackedEnd, noteTieredEnd, pressedEndOf, wake, type Partition } from "./partition.ts";
import type { ReplicaFetchers } from "./replica-fetchers.ts";
import type { Following, LocalTopic } from "./topic-table.ts";

/** Replicas that do not lead follow their leaders over the network. */
export function followingOf(fetchers: ReplicaFetchers, tier: Pick<Tier, "beginning">): Following {
  return {
    follow(topic, partition, leader) {
      const { topicId, index, log } = partition;
      fetchers.follow(leader.id, {
        topicId,
        index,
        log,
        leaderEpoch: leader.epoch,
        durability: () => topic.settings.durability,
        recoveries: () => recoveriesOf(topic, partition),
        // Consumers may be reading here (KIP-392).
        onWatermarks: () => wake(partition),
        pressedEnd: () => pressedEndOf(partition),
        onColdEnds({ tieredEnd, packedEnd }) {
          noteTieredEnd(partition, tieredEnd);
          notePackedEnd(partition, packedEnd);
        },
        beginning: () => tier.beginning(partition),
      });
    },
    unfollow: ({ topicId, index }) => fetchers.unfollow(topicId, index),
  };
}

const none: readonly Recovery[] = [];

const recoveriesOf = ({ topic }: LocalTopic, { index }: Partition): readonly Recovery[] =>
  topic.partitions[index]?.recoveries ?? none;
