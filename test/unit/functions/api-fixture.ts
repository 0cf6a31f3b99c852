import { createManualClock } from "../../../adapters/memory/clock.ts";
import type { ControlledClock } from "../../../adapters/memory/clock.ts";
import { createMemoryMetadataStore } from "../../../adapters/memory/metadata-log.ts";
import type { MemoryMetadataStore } from "../../../adapters/memory/metadata-log.ts";
import { createMemoryObjectStore } from "../../../adapters/memory/object-store.ts";
import { createSeededRandom } from "../../../adapters/memory/random.ts";
import { createApi } from "../../../functions/api.ts";
import type { ApiOptions } from "../../../functions/api.ts";
import type { Routes } from "../../../functions/api-context.ts";
import type { Cluster, ProblemDetails, Topic } from "../../../functions/api-types.ts";
import { registerBroker } from "../../../metadata/commands/register-broker.ts";
import type { RegisterBrokerRequest } from "../../../metadata/commands/register-broker.ts";
import { openMetadataReplica } from "../../../metadata/log/replica.ts";
import type { MetadataReplica } from "../../../metadata/log/replica.ts";

export type Answer<Body> = { status: number; body: Body; headers: Headers };

export type ApiFixture = {
  app: Routes;
  /** `body` is sent as JSON unless it is a string. */
  call: <Body = Record<string, unknown>>(
    request: string,
    body?: unknown,
    headers?: Record<string, string>,
  ) => Promise<Answer<Body>>;
  /** The same where a problem is expected. */
  refused: (
    request: string,
    body?: unknown,
    headers?: Record<string, string>,
  ) => Promise<Answer<ProblemDetails>>;
  cluster: (name?: string) => Promise<Cluster>;
  topic: (clusterId: string, name: string, partitionCount?: number) => Promise<Topic>;
  /** A broker that is up; the first has id 1. */
  registerBroker: (broker?: Partial<RegisterBrokerRequest>) => Promise<number>;
  replica: MetadataReplica;
  /** Another process's replica of the same cell. */
  openOther: () => Promise<MetadataReplica>;
  /** The metadata log behind it all, which fails when told to. */
  store: MemoryMetadataStore;
  clock: ControlledClock;
};

export async function createApiFixture(options: Partial<ApiOptions> = {}): Promise<ApiFixture> {
  const clock = createManualClock({ startMs: Date.parse("2026-11-21T09:00:00Z") });
  const random = createSeededRandom(1);
  const store = createMemoryMetadataStore();
  const objects = createMemoryObjectStore();
  let brokers = 0;
  let replicas = 0;
  const openReplica = (): Promise<MetadataReplica> =>
    openMetadataReplica({
      log: store.open(),
      objects,
      clock,
      random: createSeededRandom(++replicas + 1),
      output: { info() {}, warn() {}, error() {} },
      cell: "test",
      // Followers read when asked here: nobody waits for a poll, and a day's worth of them takes its time.
      pollMs: 365 * 24 * 60 * 60 * 1000,
    });
  const replica = await openReplica();
  const app = createApi({
    replica,
    clock,
    random,
    config: { version: "0.0.0-test", kafka: { host: "127.0.0.1", port: 9092 }, httpEndpoint: null },
    ...options,
  });
  const call: ApiFixture["call"] = async (request, body, headers = {}) => {
    const [method = "GET", path = "/"] = request.split(" ");
    const hasBody = body !== undefined;
    const response = await app.request(path, {
      method,
      headers: { ...(hasBody ? { "content-type": "application/json" } : {}), ...headers },
      ...(hasBody ? { body: typeof body === "string" ? body : JSON.stringify(body) } : {}),
    });
    const text = await response.text();
    const isJson = response.headers.get("content-type")?.includes("json") === true;
    return {
      status: response.status,
      body: isJson ? JSON.parse(text) : text,
      headers: response.headers,
    };
  };
  return {
    app,
    call,
    refused: (request, body, headers) => call<ProblemDetails>(request, body, headers),
    cluster: async (name = "shop") => (await call<Cluster>("POST /v1/clusters", { name })).body,
    async topic(clusterId, name, partitionCount = 1) {
      const body = { topic_name: name, partitions_count: partitionCount };
      return (await call<Topic>(`POST /kafka/v3/clusters/${clusterId}/topics`, body)).body;
    },
    async registerBroker(broker = {}) {
      const name = `broker-${++brokers}`;
      const request = { ...newBroker, directoryId: name, incarnation: name, ...broker };
      const submitted = await replica.submit((image, context) =>
        registerBroker(image, request, context),
      );
      if (submitted.kind === "rejected") throw new Error("a broker is never rejected");
      return submitted.result.brokerId;
    },
    replica,
    openOther: openReplica,
    store,
    clock,
  };
}

const newBroker: Omit<RegisterBrokerRequest, "directoryId" | "incarnation"> = {
  brokerId: null,
  ephemeral: false,
  zone: "",
  host: "127.0.0.1",
  slot: 1,
  port: 9092,
  minLevel: 1,
  maxLevel: 1,
  previousEnd: "new",
  storedIncarnations: [],
};
