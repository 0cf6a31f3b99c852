import net from "node:net";
import type { Address, Listener, Network } from "../../ports/network.ts";
import { NetworkError } from "../../ports/network.ts";
import { createNodeConnection } from "./connection.ts";
import { toNetworkError } from "./network-error.ts";

export type NodeNetworkOptions = {
  /** False takes the chunk-copying read path throughout, as sockets without a handle do. For tests of that path. */
  readsIntoBuffers?: boolean;
};

// Kafka's own brokers set SO_KEEPALIVE on every connection; a minute finds a vanished host without chattering.
const socketOptions = {
  noDelay: true,
  keepAlive: true,
  keepAliveInitialDelay: 60_000,
  allowHalfOpen: false,
};

// Connections that wait to be accepted. Beyond it the kernel drops what arrives, and clients try again after 1 s, 3 s, 7 s: Node's 511 made 5,000 clients
// that come back at once wait 3 s. Linux takes no more than net.core.somaxconn, 4096 by default. Accepting them starves nobody: libuv (since 1.45)
// accepts one each time round its loop.
const backlog = 4_096;

/** TCP by node:net. */
export function createNodeNetwork(options: NodeNetworkOptions = {}): Network {
  const readsIntoBuffers = options.readsIntoBuffers ?? true;
  return {
    listen: (address, onConnection) =>
      listen(address, (socket) => onConnection(createNodeConnection(socket, { readsIntoBuffers }))),
    async dial(address, { timeoutMs }) {
      const socket = await dial(address, timeoutMs);
      return createNodeConnection(socket, { readsIntoBuffers });
    },
  };
}

function listen(address: Address, onSocket: (socket: net.Socket) => void): Promise<Listener> {
  return new Promise((resolve, reject) => {
    const server = net.createServer({ ...socketOptions, pauseOnConnect: true }, onSocket);
    server.once("error", (error) => reject(toNetworkError(error)));
    server.listen({ host: address.host, port: address.port, backlog }, () => {
      // A failed accept (say EMFILE) concerns one connection, which its peer sees closed; the server goes on.
      server.on("error", () => undefined);
      const bound = server.address();
      const port = bound !== null && typeof bound === "object" ? bound.port : address.port;
      resolve({ address: { host: address.host, port }, close: () => closeServer(server) });
    });
  });
}

// Not server.close's callback: it waits for the connections, which live on and were moved to sockets the server does not count.
// The listening descriptor itself is closed before close() returns.
async function closeServer(server: net.Server): Promise<void> {
  if (server.listening) server.close();
}

function dial(address: Address, timeoutMs: number): Promise<net.Socket> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ ...socketOptions, host: address.host, port: address.port });
    // Nothing may be read before the reader is known.
    socket.pause();
    const timer = setTimeout(() => {
      socket.destroy();
      reject(new NetworkError("timedOut", `no answer from ${address.host}:${address.port}`));
    }, timeoutMs);
    const failed = (error: Error): void => {
      clearTimeout(timer);
      reject(toNetworkError(error));
    };
    socket.once("error", failed);
    socket.once("connect", () => {
      clearTimeout(timer);
      socket.off("error", failed);
      resolve(socket);
    });
  });
}
