import { createNodeNetwork } from "../../adapters/node/network.ts";
import {
  findCoordinatorRequest,
  findCoordinatorResponse,
} from "../../protocol/messages/find-coordinator.ts";
import { metadataRequest, metadataResponse } from "../../protocol/messages/metadata.ts";
import { connectRawClient, type RawClient } from "../../test/support/raw-client.ts";

type Address = { readonly host: string; readonly port: number };

/** To ask again would change nothing. Whatever else goes wrong, another broker or another time may answer. */
export class FinalAnswer extends Error {}

export type ClusterClient = {
  /** Runs `work` with a connection to the partition's leader; again, with whoever leads then, while it fails with anything but a FinalAnswer. */
  atLeader<T>(
    topic: string,
    partition: number,
    work: (client: RawClient) => Promise<T>,
  ): Promise<T>;
  atBroker<T>(brokerId: number, work: (client: RawClient) => Promise<T>): Promise<T>;
  atCoordinator<T>(group: string, work: (client: RawClient) => Promise<T>): Promise<T>;
  close(): Promise<void>;
};

export type ClusterClientOptions = {
  readonly bootstrap: string;
  readonly clientId: string;
  /** How long one thing is tried; 0: once. */
  readonly limitMs: number;
};

const pauseMs = 200;
/** A broker that stands still answers nothing, and its connection stays. */
const workLimitMs = 15_000;

/** A checker's own client of a cell: it believes nobody for longer than one question, and gives up late. */
export function createClusterClient(options: ClusterClientOptions): ClusterClient {
  const { bootstrap, clientId, limitMs } = options;
  const network = createNodeNetwork();
  const addresses = bootstrap.split(",").map((each): Address => {
    const at = each.lastIndexOf(":");
    return { host: each.slice(0, at), port: Number(each.slice(at + 1)) };
  });
  const connections = new Map<string, Promise<RawClient>>();

  async function connect({ host, port }: Address): Promise<RawClient> {
    const key = `${host}:${port}`;
    const known = await connections.get(key);
    if (known !== undefined && !known.isClosed) return known;
    const dialling = connectRawClient(network, { host, port }, { clientId });
    connections.set(key, dialling);
    dialling.catch(() => connections.delete(key));
    return dialling;
  }

  /** A connection whose work takes too long is closed, which ends the work. */
  async function run<T>(address: Address, work: (client: RawClient) => Promise<T>): Promise<T> {
    const client = await connect(address);
    const timer = setTimeout(() => void client.close(), workLimitMs);
    try {
      return await work(client);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Whoever answered last is asked first: a host that is cut off answers nothing, and takes its time. */
  async function atAny<T>(work: (client: RawClient) => Promise<T>): Promise<T> {
    let failure: unknown;
    for (const address of Array.from(addresses)) {
      try {
        return await run(address, work);
      } catch (error) {
        failure = error;
        addresses.push(...addresses.splice(addresses.indexOf(address), 1));
      }
    }
    throw failure;
  }

  async function again<T>(what: string, ask: () => Promise<T>): Promise<T> {
    const deadline = performance.now() + limitMs;
    for (;;) {
      try {
        return await ask();
      } catch (error) {
        if (error instanceof FinalAnswer) throw error;
        if (performance.now() > deadline)
          throw new Error(`${what}: no answer in ${limitMs / 1000} s`, { cause: error });
      }
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }

  return {
    atLeader: (topic, partition, work) =>
      again(`${topic}:${partition}`, async () =>
        run(await atAny((client) => leaderOf(client, topic, partition)), work),
      ),
    atBroker: (brokerId, work) =>
      again(`broker ${brokerId}`, async () =>
        run(await atAny((client) => addressOf(client, brokerId)), work),
      ),
    atCoordinator: (group, work) =>
      again(group, async () => run(await atAny((client) => coordinatorOf(client, group)), work)),
    async close() {
      for (const dialling of connections.values())
        await dialling.then(
          (client) => client.close(),
          () => undefined,
        );
    },
  };
}

async function leaderOf(client: RawClient, topic: string, partition: number): Promise<Address> {
  const { brokers, topics } = await client.call(metadataRequest, metadataResponse, 12, {
    topics: [{ name: topic }],
    allowAutoTopicCreation: false,
  });
  const found = topics[0]?.partitions.find(({ partitionIndex }) => partitionIndex === partition);
  const leader = brokers.find(({ nodeId }) => nodeId === found?.leaderId);
  if (leader === undefined) throw new Error(`${topic}:${partition} has no leader`);
  return leader;
}

async function addressOf(client: RawClient, brokerId: number): Promise<Address> {
  const { brokers } = await client.call(metadataRequest, metadataResponse, 12, {
    topics: [],
    allowAutoTopicCreation: false,
  });
  const found = brokers.find(({ nodeId }) => nodeId === brokerId);
  if (found === undefined) throw new Error(`there is no broker ${brokerId}`);
  return found;
}

async function coordinatorOf(client: RawClient, group: string): Promise<Address> {
  const { coordinators } = await client.call(findCoordinatorRequest, findCoordinatorResponse, 4, {
    keyType: 0,
    coordinatorKeys: [group],
  });
  const found = coordinators?.[0];
  if (found === undefined || found.errorCode !== 0)
    throw new Error(`${group} has no coordinator: error ${found?.errorCode}`);
  return found;
}
