import type { Topic } from "../../../../metadata/image/image.ts";
import { createImage, systemClusterId } from "../../../../metadata/image/image.ts";
import {
  readRequestHead,
  readResponse,
  writeRequestFrame,
} from "../../../../protocol/api-frame.ts";
import { DecodeError } from "../../../../protocol/schema/decode-error.ts";
import type { Encoded } from "../../../../protocol/schema/encode.ts";
import type { Message } from "../../../../protocol/schema/message.ts";
import { silentLog } from "../../../../broker/log-output.ts";
import type { KafkaApi, RequestContext } from "../../../../broker/handlers/kafka-api.ts";
import type { BrokerServices } from "../../../../broker/services.ts";
import { createGroupCell } from "../groups/group-cell.ts";

export const ordersId = "AAAAAAAAAAAAAAAAAAAAAQ";
export const returnsId = "AAAAAAAAAAAAAAAAAAAAAg";
const betaOrdersId = "AAAAAAAAAAAAAAAAAAAAAw";

function topic(clusterId: string, name: string, topicId: string, partitionCount: number): Topic {
  const partition = (index: number) => ({
    index,
    replicas: [1],
    adding: [],
    removing: [],
    isr: [1],
    elr: [],
    lastIsr: [1],
    leader: 1,
    leaderEpoch: 0,
    partitionEpoch: 0,
    recoveries: [],
    sealed: null,
  });
  return {
    topicId,
    clusterId,
    name,
    configs: {},
    requestedReplicationFactor: 1,
    createdAtMs: 0,
    revision: 1,
    partitions: Array.from({ length: partitionCount }, (_, index) => partition(index)),
  };
}

function imageOf(topics: Topic[]) {
  const clusters = ["alpha", "beta"].map((clusterId, index) => ({
    clusterId,
    name: clusterId,
    description: "",
    portOffset: 100 * index,
    defaults: {},
    state: "ready" as const,
    createdAtMs: 0,
    revision: 1,
  }));
  const broker = {
    brokerId: 1,
    epoch: 1,
    incarnation: "",
    directoryId: "",
    ephemeral: false,
    zone: "",
    host: "broker-1.example",
    slot: 1,
    port: 9092,
    minLevel: 1,
    maxLevel: 1,
    previousEnd: "new" as const,
    state: "active" as const,
    registeredAtMs: 0,
  };
  const namesOf = (clusterId: string) => ({
    byName: new Map(
      topics.filter((each) => each.clusterId === clusterId).map((each) => [each.name, each]),
    ),
    byCollisionKey: new Map(),
  });
  return {
    ...createImage(),
    clusters: new Map(clusters.map((each) => [each.clusterId, each])),
    brokers: new Map([[1, broker]]),
    topics: new Map(topics.map((each) => [each.topicId, each])),
    topicNames: new Map(["alpha", "beta", systemClusterId].map((id) => [id, namesOf(id)])),
  };
}

export type GroupApi = Awaited<ReturnType<typeof createGroupApi>>;

/** The group handlers over real bytes: requests and responses go through the wire tables of their version. */
export async function createGroupApi(options: { hasGroupTopic?: boolean } = {}) {
  const cell = await createGroupCell();
  const topics = [
    topic("alpha", "orders", ordersId, 3),
    topic("alpha", "returns", returnsId, 3),
    topic("beta", "orders", betaOrdersId, 3),
  ];
  const groupTopic = topic(systemClusterId, "__consumer_offsets", "AAAAAAAAAAAAAAAAAAAABA", 50);
  let image = imageOf(options.hasGroupTopic === false ? topics : [...topics, groupTopic]);
  let submitted = 0;
  let lookups = 0;
  const services = {
    brokerId: 1,
    groups: cell.groups,
    cell: { serving: { reads: true, acks1: true } },
    log: silentLog,
    metadata: {
      get image() {
        return image;
      },
      readForUnknownTopic: async () => void (lookups += 1),
      submit: async () => {
        submitted += 1;
        image = imageOf([...topics, groupTopic]);
        return { kind: "accepted", result: { topicId: groupTopic.topicId } };
      },
    },
    // The group handlers reach for no other service.
  } as unknown as BrokerServices;

  async function call<Request, RequestInput, Response, ResponseInput>(
    api: KafkaApi<BrokerServices>,
    messages: {
      request: Message<Request, RequestInput>;
      response: Message<Response, ResponseInput>;
    },
    at: number | { version: number; clusterId: string },
    body: RequestInput,
  ): Promise<Response> {
    const { version, clusterId } =
      typeof at === "number" ? { version: at, clusterId: "alpha" } : at;
    const origin = { correlationId: 7, clientId: "client" };
    const frame = bytesOf(writeRequestFrame(messages.request, version, origin, body));
    const head = readRequestHead(frame);
    if (head instanceof DecodeError) throw head;
    const prepared = api.prepare(head, frame);
    if (prepared instanceof DecodeError) throw prepared;
    const context: RequestContext<BrokerServices> = {
      services,
      clusterId,
      listener: "plain",
      apiVersion: version,
      correlationId: origin.correlationId,
      clientId: origin.clientId,
      remote: { host: "127.0.0.1", port: 50_000 },
      connection: {
        id: 1,
        clientSoftware: null,
        isClosed: false,
        onDisconnect: () => () => undefined,
        bag: new Map(),
      },
      // What the handler released may be overwritten at once.
      releaseFrame: () => void frame.fill(0xaa),
      throttle: () => undefined,
    };
    const reply = await prepared.run(context);
    if (typeof reply === "symbol") throw new Error("no answer");
    const answer = readResponse(messages.response, version, bytesOf(reply));
    if (answer instanceof DecodeError) throw answer;
    return answer.body;
  }

  return { cell, call, submittedCount: () => submitted, lookupCount: () => lookups };
}

/** A frame without its size. */
function bytesOf({ parts }: Encoded): Uint8Array {
  const chunks = parts.map((part) => {
    if (part instanceof Uint8Array) return part;
    throw new Error("group messages hold no log ranges");
  });
  return Uint8Array.from(Buffer.concat(chunks).subarray(4));
}

export const versionsOf = (api: KafkaApi<BrokerServices>): number[] =>
  Array.from(
    { length: api.versions[1] - api.versions[0] + 1 },
    (_, index) => api.versions[0] + index,
  );
