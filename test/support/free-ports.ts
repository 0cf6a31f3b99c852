import { createServer } from "node:net";
import type { AddressInfo, Server } from "node:net";

/** `count` loopback ports that nobody listened on a moment ago. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(Array.from({ length: count }, () => listen(0)));
  const ports = servers.map(portOf);
  await Promise.all(servers.map(close));
  return ports;
}

/** Below those that Linux gives to outgoing connections: a broker that is down for a while must find its port free. */
const lowest = 20_000;
const highest = 32_000;

/** The first of `count` such ports in a row: the brokers of a machine have neighbouring ones. */
export async function freePortRange(count: number): Promise<number> {
  for (let tries = 0; tries < 100; tries++) {
    const first = lowest + Math.floor(Math.random() * (highest - lowest - count));
    const servers: Server[] = [];
    try {
      while (servers.length < count) servers.push(await listen(first + servers.length));
      return first;
    } catch {
      // One of them is taken: another row.
    } finally {
      await Promise.all(servers.map(close));
    }
  }
  throw new Error(`no ${count} ports in a row are free`);
}

async function listen(port: number): Promise<Server> {
  const server = createServer();
  await new Promise<void>((resolve, reject) =>
    server.once("error", reject).listen(port, "127.0.0.1", resolve),
  );
  return server;
}

const portOf = (server: Server): number => (server.address() as AddressInfo).port;

const close = (server: Server): Promise<unknown> => new Promise((resolve) => server.close(resolve));
