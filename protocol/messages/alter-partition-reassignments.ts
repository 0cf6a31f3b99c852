import { type Infer, request, response } from "../schema/message.ts";
import {
  array,
  bool,
  int16,
  int32,
  nullable,
  optional,
  since,
  string,
  withDefault,
} from "../schema/types.ts";

// KIP-455. v1: whether the replication factor may change (KIP-860).
export const alterPartitionReassignmentsRequest = request(
  45,
  { versions: [0, 1], flexible: 0 },
  {
    timeoutMs: withDefault(int32, 60000),
    allowReplicationFactorChange: since(1, withDefault(bool, true)),
    topics: array({
      name: string,
      partitions: array({ partitionIndex: int32, replicas: optional(array(int32)) }),
    }),
  },
);
export type AlterPartitionReassignmentsRequest = Infer<typeof alterPartitionReassignmentsRequest>;

export const alterPartitionReassignmentsResponse = response(
  45,
  { versions: [0, 1], flexible: 0 },
  {
    throttleTimeMs: int32,
    allowReplicationFactorChange: since(1, withDefault(bool, true)),
    errorCode: int16,
    errorMessage: nullable(string),
    responses: array({
      name: string,
      partitions: array({
        partitionIndex: int32,
        errorCode: int16,
        errorMessage: nullable(string),
      }),
    }),
  },
);
export type AlterPartitionReassignmentsResponse = Infer<typeof alterPartitionReassignmentsResponse>;
