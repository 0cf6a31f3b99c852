import { type Infer, request, response } from "../schema/message.ts";
import {
  array,
  int16,
  int32,
  int8,
  nullable,
  since,
  string,
  withDefault,
} from "../schema/types.ts";

// KIP-183. v1: unclean elections, error at the top (KIP-460). v2: flexible.
export const electLeadersRequest = request(
  43,
  { versions: [0, 2], flexible: 2 },
  {
    electionType: since(1, int8),
    topicPartitions: nullable(array({ topic: string, partitions: array(int32) })),
    timeoutMs: withDefault(int32, 60000),
  },
);
export type ElectLeadersRequest = Infer<typeof electLeadersRequest>;

export const electLeadersResponse = response(
  43,
  { versions: [0, 2], flexible: 2 },
  {
    throttleTimeMs: int32,
    errorCode: since(1, int16),
    replicaElectionResults: array({
      topic: string,
      partitionResult: array({
        partitionId: int32,
        errorCode: int16,
        errorMessage: nullable(string),
      }),
    }),
  },
);
export type ElectLeadersResponse = Infer<typeof electLeadersResponse>;
