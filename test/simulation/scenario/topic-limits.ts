/** Instead of what the seed draws, for every topic. */
export type TopicLimits = {
  readonly partitionCount?: number;
  readonly replicationFactor?: number;
  readonly minIsr?: number;
  readonly durability?: "replicated" | "fsync";
};

const limitNames = {
  partitions: "partitionCount",
  rf: "replicationFactor",
  min: "minIsr",
} as const;

/** "rf=3,min=2,partitions=1,durability=fsync", as the command line has it. */
export function parseTopicLimits(text: string): TopicLimits {
  const limits: Record<string, number | string> = {};
  for (const part of text.split(",")) {
    const [name = "", value = ""] = part.trim().split("=");
    if (name === "durability" && (value === "replicated" || value === "fsync")) {
      limits["durability"] = value;
    } else if (Object.hasOwn(limitNames, name) && Number(value) > 0) {
      limits[limitNames[name as keyof typeof limitNames]] = Number(value);
    } else {
      throw new Error(`topics have rf, min, partitions and durability, not ${part}`);
    }
  }
  return limits;
}
