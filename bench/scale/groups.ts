import {
  findCoordinatorRequest,
  findCoordinatorResponse,
} from "../../protocol/messages/find-coordinator.ts";
import { heartbeatRequest, heartbeatResponse } from "../../protocol/messages/heartbeat.ts";
import { joinGroupRequest, joinGroupResponse } from "../../protocol/messages/join-group.ts";
import {
  offsetCommitRequest,
  offsetCommitResponse,
} from "../../protocol/messages/offset-commit.ts";
import { syncGroupRequest, syncGroupResponse } from "../../protocol/messages/sync-group.ts";
import type { RawClient } from "../../test/support/raw-client.ts";
import { cpuOf, memoryOf } from "../harness/process-figures.ts";
import { type BrokerProcess, startBroker } from "./broker-process.ts";
import { createTopics } from "./fill.ts";
import type { Figure, ScaleOptions } from "./measurement.ts";

export const name = "groups";
export const title = "A thousand groups of one member: all join at once, each commits every second";

const usualCount = 1_000;
const topic = "consumed";
const partitions = 3;
const seconds = 20;
const warmSeconds = 3;
const memberIdRequired = 79;

type Member = {
  readonly client: RawClient;
  readonly groupId: string;
  memberId: string;
  generationId: number;
};

/** The client here speaks the protocol without a library around it: a thousand of those would be what is measured. */
export async function run({ count = usualCount, say }: ScaleOptions): Promise<Figure[]> {
  const broker = await startBroker();
  const members: Member[] = [];
  try {
    const admin = await broker.connect();
    await createTopics(admin, [{ name: topic, partitions }]);
    await findCoordinators(admin);
    await admin.close();
    for (let number = 0; number < count; number++)
      members.push({
        client: await broker.connect(),
        groupId: `group-${number}`,
        memberId: "",
        generationId: -1,
      });
    const before = await look(broker);
    const joined = await joinAll(broker, members);
    say(`  ${count} groups joined in ${joined.seconds.toFixed(2)} s`);
    const commits = await commitAll(broker, members);
    say(`  commits: p99 ${commits.p99.toFixed(1)} ms`);
    const after = await look(broker);
    return [
      { what: `${count} groups join at once: all stable after`, value: joined.seconds, unit: "s" },
      { what: "join: the broker's longest pause", value: joined.longestPauseMs, unit: "ms" },
      { what: "commits a second", value: commits.perSecond, unit: "" },
      { what: `commit of ${partitions} offsets: p50`, value: commits.p50, unit: "ms" },
      { what: `commit of ${partitions} offsets: p99`, value: commits.p99, unit: "ms" },
      { what: `commit of ${partitions} offsets: longest`, value: commits.longest, unit: "ms" },
      { what: "the broker's CPU, heartbeats too", value: commits.cores * 100, unit: "% of a core" },
      { what: "CPU each commit", value: commits.cpuUsEach, unit: "us" },
      { what: "commits: the broker's longest pause", value: commits.longestPauseMs, unit: "ms" },
      { what: "resident", value: ((after.rssMb - before.rssMb) * 1e6) / count, unit: "B each" },
      {
        what: "on the heap",
        value: ((after.heapMb - before.heapMb) * 1e6) / count,
        unit: "B each",
      },
    ];
  } finally {
    for (const { client } of members) await client.close();
    await broker.stop();
  }
}

async function look(broker: BrokerProcess): Promise<{ rssMb: number; heapMb: number }> {
  await broker.ask("collect");
  const { heapUsedMb } = await broker.ask("collect");
  return { rssMb: memoryOf([broker.pid]).totalMb, heapMb: heapUsedMb };
}

async function joinAll(
  broker: BrokerProcess,
  members: readonly Member[],
): Promise<{ seconds: number; longestPauseMs: number }> {
  await broker.watch();
  const startedAt = performance.now();
  await Promise.all(members.map(join));
  const took = (performance.now() - startedAt) / 1000;
  const { longestPauseMs } = await broker.ask("report");
  return { seconds: took, longestPauseMs };
}

/** The first to ask makes the log that offsets are kept in. */
async function findCoordinators(client: RawClient): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    const { coordinators } = await client.call(findCoordinatorRequest, findCoordinatorResponse, 4, {
      keyType: 0,
      coordinatorKeys: ["group-0"],
    });
    if (coordinators[0]?.errorCode === 0) return;
    if (attempt === 50) throw new Error(`no coordinator: error ${coordinators[0]?.errorCode}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function join(member: Member): Promise<void> {
  const { client, groupId } = member;
  const ask = () =>
    client.call(joinGroupRequest, joinGroupResponse, 9, {
      groupId,
      sessionTimeoutMs: 45_000,
      rebalanceTimeoutMs: 60_000,
      memberId: member.memberId,
      groupInstanceId: null,
      protocolType: "consumer",
      protocols: [{ name: "range", metadata: Buffer.alloc(40) }],
      reason: null,
    });
  let answer = await ask();
  // KIP-394: the broker gives the name, the member comes with it.
  if (answer.errorCode === memberIdRequired) {
    member.memberId = answer.memberId;
    answer = await ask();
  }
  if (answer.errorCode !== 0) throw new Error(`${groupId}: join error ${answer.errorCode}`);
  member.memberId = answer.memberId;
  member.generationId = answer.generationId;
  const { memberId, generationId } = member;
  const synced = await client.call(syncGroupRequest, syncGroupResponse, 5, {
    groupId,
    generationId,
    memberId,
    groupInstanceId: null,
    protocolType: "consumer",
    protocolName: "range",
    assignments: [{ memberId, assignment: Buffer.alloc(40) }],
  });
  if (synced.errorCode !== 0) throw new Error(`${groupId}: sync error ${synced.errorCode}`);
}

type Commits = {
  perSecond: number;
  p50: number;
  p99: number;
  longest: number;
  cores: number;
  cpuUsEach: number;
  longestPauseMs: number;
};

/** Open loop: each group's commits are due a second apart, spread over the second, and count from when they were due. */
async function commitAll(broker: BrokerProcess, members: readonly Member[]): Promise<Commits> {
  const times: number[] = [];
  const startedAt = performance.now();
  const countFrom = startedAt + warmSeconds * 1000;
  const end = countFrom + seconds * 1000;
  const running = Promise.all(
    members.map(async (member, index) => {
      for (let turn = 0; ; turn++) {
        const due = startedAt + (index / members.length + turn) * 1000;
        if (due >= end) return;
        const waitMs = due - performance.now();
        if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
        await commit(member, turn);
        if (due >= countFrom) times.push(performance.now() - due);
        // Every third second, as Kafka's clients do.
        if (turn % 3 === 2) await heartbeat(member);
      }
    }),
  );
  await new Promise((resolve) => setTimeout(resolve, countFrom - performance.now()));
  await broker.watch();
  const before = cpuOf([broker.pid]);
  await running;
  const after = cpuOf([broker.pid]);
  const { longestPauseMs } = await broker.ask("report");
  const cpu = after.user + after.system - before.user - before.system;
  times.sort((a, b) => a - b);
  const at = (share: number): number => times[Math.floor(share * (times.length - 1))] ?? NaN;
  return {
    perSecond: times.length / seconds,
    p50: at(0.5),
    p99: at(0.99),
    longest: at(1),
    cores: cpu / seconds,
    cpuUsEach: (cpu * 1e6) / times.length,
    longestPauseMs,
  };
}

async function commit(member: Member, offset: number): Promise<void> {
  const { client, groupId, memberId, generationId } = member;
  const { topics } = await client.call(offsetCommitRequest, offsetCommitResponse, 8, {
    groupId,
    memberId,
    generationIdOrMemberEpoch: generationId,
    groupInstanceId: null,
    topics: [
      {
        name: topic,
        partitions: Array.from({ length: partitions }, (_, partitionIndex) => ({
          partitionIndex,
          committedOffset: offset,
          committedMetadata: "",
        })),
      },
    ],
  });
  const wrong = topics[0]?.partitions.find(({ errorCode }) => errorCode !== 0);
  if (wrong !== undefined) throw new Error(`${groupId}: commit error ${wrong.errorCode}`);
}

async function heartbeat({ client, groupId, memberId, generationId }: Member): Promise<void> {
  const { errorCode } = await client.call(heartbeatRequest, heartbeatResponse, 4, {
    groupId,
    memberId,
    generationId,
    groupInstanceId: null,
  });
  if (errorCode !== 0) throw new Error(`${groupId}: heartbeat error ${errorCode}`);
}
