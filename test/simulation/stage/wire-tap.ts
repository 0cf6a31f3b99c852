import type { BrokerNode } from "../cell/broker-node.ts";
import type { SimConnection } from "../network/sim-connection.ts";
import type { SimNetwork } from "../network/sim-network.ts";

export const apiKeys = { alterPartition: 56, brokerHeartbeat: 63, fetch: 1 } as const;

export type Held = {
  readonly api: keyof typeof apiKeys;
  /** Which of the two is late. A request that is held up has been sent, and cannot be taken back. */
  readonly what: "request" | "answer";
  /** Who asks. */
  readonly by: BrokerNode;
  readonly forMs: number;
};

/** Listens on the wire to what brokers ask each other, and holds up some of it. A peer asks one thing at a time, in one piece. */
export class WireTap {
  readonly #network: SimNetwork;
  /** The API last asked over a connection, by the asking end's address. */
  readonly #asked = new Map<string, number>();
  #held: Held[] = [];
  heldCount = 0;

  constructor(network: SimNetwork) {
    this.#network = network;
  }

  /** These arrive so much later, until it is over. */
  hold(held: Held): () => void {
    this.#network.delayer = (from, bytes) => this.#delayMs(from, bytes);
    this.#held.push(held);
    return () => {
      this.#held = this.#held.filter((each) => each !== held);
    };
  }

  letGo(): void {
    this.#held = [];
    this.#network.delayer = null;
  }

  #delayMs({ local, remote }: SimConnection, bytes: Uint8Array): number {
    // Those who dial do so from a port of the ephemeral range.
    const isAnswer = local.port < 10_000;
    const asking = isAnswer ? remote : local;
    const key = `${asking.host}:${asking.port}`;
    if (!isAnswer) this.#asked.set(key, apiKeyOf(bytes));
    const apiKey = this.#asked.get(key);
    const held = this.#held.find(
      ({ api, what, by }) =>
        apiKeys[api] === apiKey && by.host.name === asking.host && (what === "answer") === isAnswer,
    );
    if (held === undefined) return 0;
    this.heldCount++;
    this.#network.world.trace(
      () => `${held.api} of ${asking.host}: its ${held.what} is held up for ${held.forMs} ms`,
    );
    return held.forMs;
  }
}

/** Behind the frame's size. */
function apiKeyOf(bytes: Uint8Array): number {
  return bytes.length < 6 ? -1 : (bytes[4]! << 8) | bytes[5]!;
}
