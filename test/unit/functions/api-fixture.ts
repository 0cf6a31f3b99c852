import { createManualClock } from "../../../adapters/memory/clock.ts";
import type { ControlledClock } from "../../../adapters/memory/clock.ts";
import { createSeededRandom } from "../../../adapters/memory/random.ts";
import { createApi } from "../../../functions/api.ts";
import type { ApiOptions } from "../../../functions/api.ts";
import type { ApiReplica, Routes } from "../../../functions/api-context.ts";
import type { Cluster, ProblemDetails, Topic } from "../../../functions/api-types.ts";
import type { Command, CommandContext } from "../../../metadata/commands/command.ts";
import { registerBroker } from "../../../metadata/commands/register-broker.ts";
import type { RegisterBrokerRequest } from "../../../metadata/commands/register-broker.ts";
import { applyEntry } from "../../../metadata/image/apply.ts";
import { createImage } from "../../../metadata/image/image.ts";
import { randomUuid } from "../../../metadata/log/uuid.ts";
import type { Clock } from "../../../ports/clock.ts";
import type { Random } from "../../../ports/random.ts";
import type { MetadataRecord } from "../../../metadata/records/table.ts";

// TEMPORARY stand-in
function standIn(clock: Clock, random: Random) {
  const image = createImage();
  const append = (records: readonly MetadataRecord[]) =>
    applyEntry(image, { revision: image.revision + 1, hash: "0".repeat(16), records });
  append([{ kind: "genesis", cellId: "cell-1", level: 1, createdAtMs: clock.nowMs() }]);
  const replica: ApiReplica = {
    image,
    readToHead: () => Promise.resolve(),
    async submit<R, C extends string>(command: Command<R, C>) {
      const context: CommandContext = {
        nowMs: clock.nowMs(),
        revision: image.revision + 1,
        uuid: () => randomUuid(random),
      };
      const decision = command(image, context);
      if (decision.kind === "rejected") return decision;
      if (decision.records.length > 0) append(decision.records);
      return decision;
    },
  };
  return { replica, append };
}

export type Answer<Body> = { status: number; body: Body; headers: Headers };

export type ApiFixture = {
  app: Routes;
  /** `body` is sent as JSON unless it is a string. */
  call<Body = Record<string, unknown>>(
    request: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<Answer<Body>>;
  refused(
    request: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<Answer<ProblemDetails>>;
  cluster(name?: string): Promise<Cluster>;
  topic(clusterId: string, name: string, partitionCount?: number): Promise<Topic>;
  /** A broker that is up; the first has id 1. */
  registerBroker(broker?: Partial<RegisterBrokerRequest>): Promise<number>;
  replica: ApiReplica;
  clock: ControlledClock;
};

export async function createApiFixture(options: Partial<ApiOptions> = {}): Promise<ApiFixture> {
  const clock = createManualClock({ startMs: Date.parse("2026-11-21T09:00:00Z") });
  const random = createSeededRandom(1);
  let brokers = 0;
  const { replica } = standIn(clock, random);
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
