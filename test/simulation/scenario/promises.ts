import { partitionForKey } from "../../../broker/coordinator/partition-for-key.ts";
import { groupKeyOf } from "../../../broker/groups/group-key.ts";
import type { Partition } from "../../../metadata/image/image.ts";
import { internalTopic } from "../../../metadata/image/image.ts";
import { minIsr } from "../../../metadata/image/min-isr.ts";
import { topicSettings } from "../../../metadata/settings/topic-settings.ts";
import type { BrokerNode } from "../cell/broker-node.ts";
import type { SimCell } from "../cell/sim-cell.ts";
import type { OffsetRange, PartitionKey, SentBatch } from "../history/history.ts";
import { partitionKey } from "../history/history.ts";

/** All disks were lost at once: what the object store had of a partition then, and how many recoveries there had been. */
type Disaster = { readonly coldEnd: number; readonly recoveryCount: number };

/** A registered broker as it was when it last began to serve. */
type Standing = {
  readonly node: BrokerNode;
  readonly power: number;
  readonly flushed: number;
};

/**
 * What a cell promises of acknowledged records under what befalls its disks, in one place (replication.md I10):
 *
 * - acks=all outlives the loss of min.insync.replicas - 1 disks at one time, as long as another member in sync has a whole one. The nemesis asks `bears` before
 *   it takes a disk, so that nothing that is lost is ever excused by it. (Under a minimum of one, the disk that is gone may be the last in sync by the time
 *   the cell knows: whoever was only restarted meanwhile is neither in sync nor eligible.)
 * - A power loss of every member at one moment may cost what `replicated` had not flushed, and the order of what its producers had in flight, and nothing
 *   under `fsync`: `excused`, and the invariant C2b holds recoveries to what was flushed.
 * - The loss of every disk at once costs what no segment and no pack has yet: `everyDiskLost`.
 * - acks=1 outlives its leader only where nobody else can go on instead.
 */
export class Promises {
  readonly #cell: SimCell;
  readonly #standing = new Map<number, Standing>();
  readonly #termEnds = new Map<string, number>();
  readonly #disasters = new Map<PartitionKey, Disaster[]>();

  constructor(cell: SimCell) {
    this.#cell = cell;
    cell.onRun({
      serves: ({ node, view }) => {
        if (view !== null) this.#standing.set(view.brokerId, { node, ...node.disk.losses });
      },
    });
    cell.truth.onEntry(({ partitions }) => {
      for (const { topicId, index, before, after } of partitions) {
        if (before === null || before.leaderEpoch === after?.leaderEpoch) continue;
        this.#termEnds.set(`${topicId}/${index} in ${before.leaderEpoch}`, cell.world.nowMs);
      }
    });
  }

  /** Whether every record that is promised is safe elsewhere, should this node lose its disk now. */
  bears(node: BrokerNode): boolean {
    const isOnIt = (id: number): boolean => this.#standing.get(id)?.node === node;
    return this.#everyPartition((partition, leastIsr) => {
      const { isr, elr, lastIsr } = partition;
      const isNeeded = [isr, elr, lastIsr].some((members) => members.some(isOnIt));
      return !isNeeded || (leastIsr > 1 && isr.some((id) => !isOnIt(id) && this.#isWhole(id)));
    });
  }

  /** To be called when no disk holds anything any more, before anybody goes on. */
  everyDiskLost(): void {
    const { truth, cold } = this.#cell;
    for (const { topicId, partitions } of truth.image.topics.values()) {
      for (const { index, recoveries } of partitions) {
        const key = partitionKey(topicId, index);
        const coldEnd = cold.endOf({ topicId, index });
        const known = this.#disasters.get(key) ?? [];
        this.#disasters.set(key, [...known, { coldEnd, recoveryCount: recoveries.length }]);
      }
    }
  }

  get hasLostEveryDisk(): boolean {
    return this.#disasters.size > 0;
  }

  /** The ids under which the cell knows the node's directories, past ones included. */
  idsOn(node: BrokerNode): number[] {
    return [...this.#standing].filter(([, each]) => each.node === node).map(([id]) => id);
  }

  /** When an epoch's leadership was over in the metadata log. */
  termEndMs(partition: PartitionKey, leaderEpoch: number): number | undefined {
    return this.#termEnds.get(`${partition} in ${leaderEpoch}`);
  }

  /** Whether what an acknowledgement of this batch promised outlives its leader. */
  isPromised({ acks, partition }: SentBatch): boolean {
    if (acks === -1) return true;
    const topic = this.#cell.truth.image.topics.get(partition.split("/")[0] ?? "");
    return topic?.requestedReplicationFactor === 1;
  }

  /** Whether what a group was told was committed is so for good: no power loss has taken what its partition had not flushed. */
  isGroupPromised(group: string): boolean {
    const { image } = this.#cell.truth;
    const topic = internalTopic(image, "__consumer_offsets");
    if (topic === undefined) return true;
    return [...image.clusters.keys()].every((clusterId) => {
      const index = partitionForKey(groupKeyOf(clusterId, group), topic.partitions.length);
      return this.excused(topic.topicId, index).length === 0;
    });
  }

  /** Offsets that recoveries have skipped. */
  skipped(topicId: string, index: number): OffsetRange[] {
    const recoveries = this.#cell.truth.partition(topicId, index)?.recoveries ?? [];
    return recoveries.map(({ end, start }) => ({ from: end, to: start }));
  }

  /** Offsets whose records a power loss may have taken, or the loss of every disk. */
  excused(topicId: string, index: number): OffsetRange[] {
    const { image } = this.#cell.truth;
    const topic = image.topics.get(topicId);
    const isFlushed = topic === undefined || topicSettings(image, topic).durability === "fsync";
    const disasters = this.#disasters.get(partitionKey(topicId, index)) ?? [];
    return this.skipped(topicId, index).flatMap(({ from, to }, at) => {
      const disaster = disasters.find(({ recoveryCount }) => recoveryCount === at);
      // Wherever it goes on: what the object store had is not excused.
      if (disaster !== undefined) return [{ from: disaster.coldEnd, to }];
      return isFlushed ? [] : [{ from, to }];
    });
  }

  /** It has everything it had written, and will be believed so: a broker that comes back from a power loss leaves the in-sync sets. */
  #isWhole(brokerId: number): boolean {
    const standing = this.#standing.get(brokerId);
    if (standing === undefined) return false;
    const { power, flushed } = standing.node.disk.losses;
    return power === standing.power && flushed === standing.flushed;
  }

  #everyPartition(holds: (partition: Partition, leastIsr: number) => boolean): boolean {
    const { image } = this.#cell.truth;
    for (const topic of image.topics.values()) {
      for (const partition of topic.partitions) {
        if (!holds(partition, minIsr(image, topic, partition))) return false;
      }
    }
    return true;
  }
}
