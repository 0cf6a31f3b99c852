import type { Partition, Topic } from "../metadata/image/image.ts";

/** For lists of several topics' partitions, in the order of names and then numbers: padded, a number is in the order of its text. */
export function partitionKey({ topic, partition }: { topic: Topic; partition: Partition }): string {
  return `${topic.name} ${String(partition.index).padStart(10, "0")}`;
}
