import { type Infer, request, response } from "../schema/message.ts";
import { array, int16, int32, int64, uuid, withDefault } from "../schema/types.ts";

// KIP-858.
export const assignReplicasToDirsRequest = request(
  73,
  { versions: [0, 0], flexible: 0 },
  {
    brokerId: int32,
    brokerEpoch: withDefault(int64, -1),
    directories: array({
      id: uuid,
      topics: array({
        topicId: uuid,
        partitions: array({ partitionIndex: int32 }),
      }),
    }),
  },
);
export type AssignReplicasToDirsRequest = Infer<typeof assignReplicasToDirsRequest>;

export const assignReplicasToDirsResponse = response(
  73,
  { versions: [0, 0], flexible: 0 },
  {
    throttleTimeMs: int32,
    errorCode: int16,
    directories: array({
      id: uuid,
      topics: array({
        topicId: uuid,
        partitions: array({ partitionIndex: int32, errorCode: int16 }),
      }),
    }),
  },
);
export type AssignReplicasToDirsResponse = Infer<typeof assignReplicasToDirsResponse>;
