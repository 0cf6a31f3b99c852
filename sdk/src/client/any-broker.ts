import type { Base, Connection } from "@platformatic/kafka";
import { MyelinError } from "../errors.ts";

export type Address = { readonly host: string; readonly port: number };

/** Of `host:port,host:port`; hosts of IPv6 in brackets. */
export function addressesOf(bootstrapServers: string): Address[] {
  return bootstrapServers.split(",").map((each) => {
    const at = each.lastIndexOf(":");
    const host = each
      .slice(0, at)
      .trim()
      .replace(/^\[(.*)\]$/, "$1");
    return { host, port: Number(each.slice(at + 1)) };
  });
}

/** Asks what every broker can answer of whoever does. */
export type AnyBroker = {
  /** Tries one broker after the other, first the one that answered last; rejects with what the last one failed with. */
  ask<T>(work: (connection: Connection) => Promise<T>): Promise<T>;
  /** Where brokers are, besides those that were there from the start. */
  learn(addresses: readonly Address[]): void;
};

/** Far more than an answer takes, far less than a host that is gone would be waited for. */
const limitMs = 5_000;

export function createAnyBroker(
  client: Pick<Base, "connections">,
  bootstrap: readonly Address[],
): AnyBroker {
  const addresses = [...bootstrap];
  let first = 0;

  async function askOne<T>(
    address: Address,
    work: (connection: Connection) => Promise<T>,
  ): Promise<T> {
    const connecting = client.connections.get({ ...address });
    const asked = connecting.then(work);
    const { promise: isOver, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      reject(new MyelinError("TIMEOUT", `No answer within ${limitMs} ms`, { retriable: true }));
      // What else waits for it would wait in vain.
      connecting.then(abandon, () => undefined);
    }, limitMs);
    try {
      return await Promise.race([asked, isOver]);
    } finally {
      clearTimeout(timer);
      asked.catch(() => undefined);
    }
  }

  return {
    async ask(work) {
      let failure: unknown;
      for (let tries = 0; tries < addresses.length; tries++) {
        const address = addresses[first % addresses.length];
        if (address === undefined) break;
        try {
          return await askOne(address, work);
        } catch (error) {
          if (isAnswer(error)) throw error;
          failure = error;
          first = (first + 1) % addresses.length;
        }
      }
      throw failure;
    },
    learn(found) {
      for (const { host, port } of found)
        if (!addresses.some((each) => each.host === host && each.port === port))
          addresses.push({ host, port });
    },
  };
}

/** At once: closing it in good order would wait until what was written has arrived. */
export function abandon({ socket }: Connection): void {
  socket.destroy();
}

/** The broker did answer, that it will not. */
function isAnswer(error: unknown): boolean {
  return typeof error === "object" && error !== null && "response" in error;
}
