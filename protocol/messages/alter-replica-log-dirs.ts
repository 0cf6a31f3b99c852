import { type Infer, request, response } from "../schema/message.ts";
import { array, int16, int32, string } from "../schema/types.ts";

// KIP-113. v2: flexible.
export const alterReplicaLogDirsRequest = request(
  34,
  { versions: [0, 2], flexible: 2 },
  {
    dirs: array({
      path: string,
      topics: array({ name: string, partitions: array(int32) }),
    }),
  },
);
export type AlterReplicaLogDirsRequest = Infer<typeof alterReplicaLogDirsRequest>;

export const alterReplicaLogDirsResponse = response(
  34,
  { versions: [0, 2], flexible: 2 },
  {
    throttleTimeMs: int32,
    results: array({
      topicName: string,
      partitions: array({ partitionIndex: int32, errorCode: int16 }),
    }),
  },
);
export type AlterReplicaLogDirsResponse = Infer<typeof alterReplicaLogDirsResponse>;
