import type { Address, Connection, Listener, Network } from "../ports/network.ts";

/** A port that is taken before there is anyone to answer: connections are accepted and not read until a server takes them over. */
export type EarlyListener = {
  readonly address: Address;
  /** The network for the server that takes over: what it listens on is this port, with the connections that came already. */
  readonly network: Network;
  /** Nobody takes over. */
  close(): Promise<void>;
};

/** Connections that may wait for the broker to be ready. */
const maxWaiting = 1000;

export async function listenEarly(network: Network, address: Address): Promise<EarlyListener> {
  const waiting: Connection[] = [];
  let take = (connection: Connection): void => {
    if (waiting.length < maxWaiting) waiting.push(connection);
    else connection.destroy();
  };
  const listener: Listener = await network.listen(address, (connection) => take(connection));
  return {
    address: listener.address,
    network: {
      ...network,
      listen(_address, onConnection) {
        take = onConnection;
        for (const connection of waiting.splice(0)) onConnection(connection);
        return Promise.resolve(listener);
      },
    },
    async close() {
      await listener.close();
      for (const connection of waiting.splice(0)) connection.destroy();
    },
  };
}
