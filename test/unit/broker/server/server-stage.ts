import { type ControlledClock, createManualClock } from "../../../../adapters/memory/clock.ts";
import { createMemoryNetwork, type MemoryNetwork } from "../../../../adapters/memory/network.ts";
import {
  createServerResources,
  type KafkaServer,
  type ServerResources,
  startServer,
} from "../../../../broker/server/server.ts";
import type { ServerLimits } from "../../../../broker/server/server-limits.ts";
import { writeRequestFrame } from "../../../../protocol/api-frame.ts";
import { heartbeatRequest } from "../../../../protocol/messages/heartbeat.ts";
import {
  createHandlerBench,
  type HandlerBench,
  recordingLog,
} from "../../../support/handler-bench.ts";
import { connectRawClient, type RawClient } from "../../../support/raw-client.ts";

export type Stage = {
  network: MemoryNetwork;
  clock: ControlledClock;
  bench: HandlerBench;
  server: KafkaServer;
  resources: ServerResources;
  log: ReturnType<typeof recordingLog>;
  connect: () => Promise<RawClient>;
};

const stages: Stage[] = [];

/** To be called after each test. */
export async function clearStages(): Promise<void> {
  for (const { server, clock } of stages.splice(0)) {
    const closed = server.close({ graceMs: 0 });
    await clock.advance(1);
    await closed;
  }
}

export async function setStage(
  limits: Partial<ServerLimits> = {},
  network: MemoryNetwork = createMemoryNetwork(),
): Promise<Stage> {
  const clock = createManualClock();
  const bench = createHandlerBench();
  const log = recordingLog();
  const resources = createServerResources(limits);
  const server = await startServer({
    network,
    clock,
    log,
    address: { host: "127.0.0.1", port: 0 },
    clusterId: "cluster-a",
    apis: bench.apis,
    services: null,
    resources,
  });
  const connect = (): Promise<RawClient> => connectRawClient(network, server.address);
  const stage = { network, clock, bench, server, resources, log, connect };
  stages.push(stage);
  return stage;
}

/** Lets what is under way come to rest. */
export async function settle(turns = 20): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
}

export function heartbeat(generationId: number, groupId = "now") {
  return { groupId, generationId, memberId: "m" };
}

export function frameOf(generationId: number, groupId = "now"): Buffer {
  const { parts } = writeRequestFrame(
    heartbeatRequest,
    4,
    { correlationId: generationId, clientId: "c" },
    heartbeat(generationId, groupId),
  );
  return Buffer.concat(parts as Uint8Array[]);
}

/** A frame of any length whose assignment comes back. */
export function syncOf(assignment: Uint8Array) {
  return {
    groupId: "g",
    generationId: 1,
    memberId: "m",
    assignments: [{ memberId: "m", assignment }],
  };
}

export function patterned(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => (index * 31 + (index >> 8)) & 0xff);
}

export async function correlationIds(client: RawClient, count: number): Promise<number[]> {
  const ids: number[] = [];
  for (let index = 0; index < count; index++) {
    const frame = await client.nextFrame();
    if (frame === null) break;
    ids.push(Buffer.from(frame).readInt32BE());
  }
  return ids;
}
