import { type Infer, request, response } from "../schema/message.ts";
import {
  array,
  bool,
  int16,
  int32,
  int8,
  nullable,
  since,
  string,
  tagged,
  uuid,
  withDefault,
} from "../schema/types.ts";

// v1: validate only. v4: partitions and factor may be -1, the broker's default (KIP-464). v5: flexible, settings in the answer (KIP-525). v6: throttled
// by quota (KIP-599). v7: topic id in the answer (KIP-516).
export const createTopicsRequest = request(
  19,
  { versions: [0, 7], flexible: 5 },
  {
    topics: array({
      name: string,
      numPartitions: int32,
      replicationFactor: int16,
      assignments: array({ partitionIndex: int32, brokerIds: array(int32) }),
      configs: array({ name: string, value: nullable(string) }),
    }),
    timeoutMs: withDefault(int32, 60000),
    validateOnly: since(1, withDefault(bool, false)),
  },
);
export type CreateTopicsRequest = Infer<typeof createTopicsRequest>;

export const createTopicsResponse = response(
  19,
  { versions: [0, 7], flexible: 5 },
  {
    throttleTimeMs: since(2, int32),
    topics: array({
      name: string,
      topicId: since(7, uuid),
      errorCode: int16,
      errorMessage: since(1, nullable(string)),
      topicConfigErrorCode: tagged(0, 5, int16),
      numPartitions: since(5, withDefault(int32, -1)),
      replicationFactor: since(5, withDefault(int16, -1)),
      configs: since(
        5,
        nullable(
          array({
            name: string,
            value: nullable(string),
            readOnly: bool,
            configSource: withDefault(int8, -1),
            isSensitive: bool,
          }),
        ),
      ),
    }),
  },
);
export type CreateTopicsResponse = Infer<typeof createTopicsResponse>;
