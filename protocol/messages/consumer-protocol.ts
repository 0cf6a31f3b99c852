import { data, type Infer } from "../schema/message.ts";
import { array, bytes, int32, optional, since, string, withDefault } from "../schema/types.ts";

export const consumerProtocolSubscription = data(
  { versions: [0, 3], flexible: null },
  {
    topics: array(string),
    userData: optional(bytes),
    ownedPartitions: since(
      1,
      array({
        topic: string,
        partitions: array(int32),
      }),
    ),
    generationId: since(2, withDefault(int32, -1)),
    rackId: since(3, optional(string)),
  },
);
export type ConsumerProtocolSubscription = Infer<typeof consumerProtocolSubscription>;

export const consumerProtocolAssignment = data(
  { versions: [0, 3], flexible: null },
  {
    assignedPartitions: array({
      topic: string,
      partitions: array(int32),
    }),
    userData: optional(bytes),
  },
);
export type ConsumerProtocolAssignment = Infer<typeof consumerProtocolAssignment>;
