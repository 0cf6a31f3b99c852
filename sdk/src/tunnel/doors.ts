// Ports of this machine behind which something of a cell is.
import { createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";
import { pipeline } from "node:stream/promises";
import type { Pending } from "./kafka-streams.ts";
import { rewriteResponses, watchRequests } from "./kafka-streams.ts";
import type { Address } from "./rewrite-response.ts";

export type Dial = () => Promise<Socket>;

export type DoorsOptions = {
  /** Connects to an address of the cell. */
  readonly dial: (address: Address) => Promise<Socket>;
  /** A connection could not be made, or broke in a way that is no ordinary end. */
  readonly onTrouble: (message: string) => void;
};

export type Doors = {
  /** The door to an address of the cell, opened when it is first asked for. */
  to(address: Address): Promise<Address>;
  /** A door of a given port; `dial` chooses anew for each connection what is behind it. Throws if the port is taken. */
  open(port: number, dial: Dial): Promise<Address>;
  close(): Promise<void>;
};

const host = "127.0.0.1";
/** A cell has a hundred brokers at most, each with a port per cluster in use. */
const maxDoors = 1_000;

export function createDoors({ dial, onTrouble }: DoorsOptions): Doors {
  const servers: Server[] = [];
  const sockets = new Set<Socket>();
  const doors = new Map<string, Promise<Address>>();

  async function listen(port: number, dialed: Dial): Promise<Address> {
    if (servers.length >= maxDoors) throw new Error(`more than ${maxDoors} addresses of one cell`);
    const server = createServer({ noDelay: true }, (client) => {
      void join(client, dialed).catch((error: unknown) => onTrouble(messageOf(error)));
    });
    servers.push(server);
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(port, host, resolve);
    });
    return { host, port: (server.address() as AddressInfo).port };
  }

  async function join(client: Socket, dialed: Dial): Promise<void> {
    track(client);
    // Said by the pipeline, or by nobody while there is none yet.
    client.on("error", () => client.destroy());
    try {
      const cell = track(await dialed());
      const pending: Pending = new Map();
      await Promise.all([
        pipeline(client, (source) => watchRequests(source as AsyncIterable<Buffer>, pending), cell),
        pipeline(
          cell,
          (source) => rewriteResponses(source as AsyncIterable<Buffer>, { pending, resolve: to }),
          client,
        ),
      ]);
    } catch (error) {
      client.destroy();
      if (!isOrdinaryEnd(error)) throw error;
    }
  }

  function track(socket: Socket): Socket {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    return socket;
  }

  function to(address: Address): Promise<Address> {
    const key = `${address.host}:${address.port}`;
    const known = doors.get(key);
    if (known !== undefined) return known;
    const opening = listen(0, () => dial(address));
    doors.set(key, opening);
    opening.catch(() => doors.delete(key));
    return opening;
  }

  return {
    to,
    open: listen,
    async close() {
      const closed = servers.map(
        (server) => new Promise<void>((resolve) => void server.close(() => resolve())),
      );
      for (const socket of sockets) socket.destroy();
      await Promise.all(closed);
    },
  };
}

const ordinaryEnds = ["ECONNRESET", "EPIPE", "ERR_STREAM_PREMATURE_CLOSE"];

/** Either side has gone: clients do so whenever they like. */
function isOrdinaryEnd(error: unknown): boolean {
  return ordinaryEnds.includes((error as NodeJS.ErrnoException).code ?? "");
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
