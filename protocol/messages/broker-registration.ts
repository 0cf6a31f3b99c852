import { type Infer, request, response } from "../schema/message.ts";
import {
  array,
  bool,
  int16,
  int32,
  int64,
  nullable,
  since,
  string,
  uint16,
  uuid,
  withDefault,
} from "../schema/types.ts";

// KIP-631. v1: migration from ZooKeeper. v2: log directories (KIP-858). v3: previous epoch (KIP-966). v4: features from level 0 (KAFKA-17011).
export const brokerRegistrationRequest = request(
  62,
  { versions: [0, 4], flexible: 0 },
  {
    brokerId: int32,
    clusterId: string,
    incarnationId: uuid,
    listeners: array({
      name: string,
      host: string,
      port: uint16,
      securityProtocol: int16,
    }),
    features: array({
      name: string,
      minSupportedVersion: int16,
      maxSupportedVersion: int16,
    }),
    rack: nullable(string),
    isMigratingZkBroker: since(1, withDefault(bool, false)),
    logDirs: since(2, array(uuid)),
    previousBrokerEpoch: since(3, withDefault(int64, -1)),
  },
);
export type BrokerRegistrationRequest = Infer<typeof brokerRegistrationRequest>;

export const brokerRegistrationResponse = response(
  62,
  { versions: [0, 4], flexible: 0 },
  {
    throttleTimeMs: int32,
    errorCode: int16,
    brokerEpoch: withDefault(int64, -1),
  },
);
export type BrokerRegistrationResponse = Infer<typeof brokerRegistrationResponse>;
