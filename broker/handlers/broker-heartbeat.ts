import type { ClientConnection, RequestContext } from "./kafka-api.ts";
import { kafkaApi } from "./kafka-api.ts";
import type { BrokerServices } from "../services.ts";
import {
  answerToWire,
  heartbeatFromWire,
  heartbeatRequest,
  heartbeatResponse,
  heartbeatVersion,
} from "../cell/heartbeat-message.ts";

const heartbeatConnection: unique symbol = Symbol("the connection of a broker's heartbeats");

// From brokers only (KIP-631). The connection is a sign of life as well: its kernel closes it the moment a process ends.
export const brokerHeartbeat = kafkaApi(
  heartbeatRequest,
  heartbeatResponse,
  { versions: [heartbeatVersion, heartbeatVersion] },
  async (request, { services, connection }: RequestContext<BrokerServices>) => {
    const { heartbeat, report } = heartbeatFromWire(request);
    watchConnection(connection, heartbeat.brokerId, services);
    return answerToWire(await services.cell.heartbeatReceived(heartbeat, report));
  },
);

function watchConnection(
  connection: ClientConnection,
  brokerId: number,
  { cell }: BrokerServices,
): void {
  if (connection.bag.has(heartbeatConnection)) return;
  connection.bag.set(heartbeatConnection, brokerId);
  connection.onDisconnect(() => cell.heartbeatsClosed(brokerId));
}
