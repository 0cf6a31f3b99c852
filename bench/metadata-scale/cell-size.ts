/** What is measured: so many brokers in three zones, and what they hold. */
export type CellSize = {
  readonly brokers: number;
  readonly topics: number;
  readonly partitionsPerTopic: number;
};

export const zones = ["a", "b", "c"] as const;
export const replicationFactor = 3;

/** What the limits of a cell promise is measured at half of them. */
export const usualSize: CellSize = { brokers: 100, topics: 1_000, partitionsPerTopic: 100 };

export function partitionCountOf({ topics, partitionsPerTopic }: CellSize): number {
  return topics * partitionsPerTopic;
}
