import { data, type Infer } from "../schema/message.ts";
import { array, bytes, int32, optional, since, string, withDefault } from "../schema/types.ts";

// What a consumer puts into JoinGroup's metadata, behind its version (see schema/versioned.ts). v1: owned partitions (KIP-429). v2: generation (KIP-792).
// v3: rack (KIP-881). Versions only append, so that a newer one can be read as the newest known.
export const consumerProtocolSubscription = data(
  { versions: [0, 3], flexible: null },
  {
    topics: array(string),
    userData: optional(bytes),
    ownedPartitions: since(1, array({ topic: string, partitions: array(int32) })),
    generationId: since(2, withDefault(int32, -1)),
    rackId: since(3, optional(string)),
  },
);
export type ConsumerProtocolSubscription = Infer<typeof consumerProtocolSubscription>;

// What the group's leader puts into SyncGroup, behind its version.
export const consumerProtocolAssignment = data(
  { versions: [0, 3], flexible: null },
  {
    assignedPartitions: array({ topic: string, partitions: array(int32) }),
    userData: optional(bytes),
  },
);
export type ConsumerProtocolAssignment = Infer<typeof consumerProtocolAssignment>;
