import { type Infer, request, response } from "../schema/message.ts";
import { array, int16, int32, nullable, optional, string, withDefault } from "../schema/types.ts";

// KIP-455.
export const listPartitionReassignmentsRequest = request(
  46,
  { versions: [0, 0], flexible: 0 },
  {
    timeoutMs: withDefault(int32, 60000),
    topics: optional(array({ name: string, partitionIndexes: array(int32) })),
  },
);
export type ListPartitionReassignmentsRequest = Infer<typeof listPartitionReassignmentsRequest>;

export const listPartitionReassignmentsResponse = response(
  46,
  { versions: [0, 0], flexible: 0 },
  {
    throttleTimeMs: int32,
    errorCode: int16,
    errorMessage: nullable(string),
    topics: array({
      name: string,
      partitions: array({
        partitionIndex: int32,
        replicas: array(int32),
        addingReplicas: array(int32),
        removingReplicas: array(int32),
      }),
    }),
  },
);
export type ListPartitionReassignmentsResponse = Infer<typeof listPartitionReassignmentsResponse>;
