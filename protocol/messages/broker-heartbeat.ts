import { type Infer, request, response } from "../schema/message.ts";
import {
  array,
  bool,
  int16,
  int32,
  int64,
  optional,
  tagged,
  uuid,
  withDefault,
} from "../schema/types.ts";

// KIP-631. v1: failed log directories (KIP-858). v2: cordoned ones (KIP-1066).
export const brokerHeartbeatRequest = request(
  63,
  { versions: [0, 2], flexible: 0 },
  {
    brokerId: int32,
    brokerEpoch: withDefault(int64, -1),
    currentMetadataOffset: int64,
    wantFence: bool,
    wantShutDown: bool,
    offlineLogDirs: tagged(0, 1, array(uuid)),
    cordonedLogDirs: tagged(1, 2, optional(array(uuid))),
  },
);
export type BrokerHeartbeatRequest = Infer<typeof brokerHeartbeatRequest>;

export const brokerHeartbeatResponse = response(
  63,
  { versions: [0, 2], flexible: 0 },
  {
    throttleTimeMs: int32,
    errorCode: int16,
    isCaughtUp: withDefault(bool, false),
    isFenced: withDefault(bool, true),
    shouldShutDown: bool,
  },
);
export type BrokerHeartbeatResponse = Infer<typeof brokerHeartbeatResponse>;
