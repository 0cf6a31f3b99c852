import { errorNameOf, type ErrorName } from "../../../protocol/errors.ts";
import {
  consumerProtocolAssignment,
  consumerProtocolSubscription,
} from "../../../protocol/messages/consumer-protocol.ts";
import {
  findCoordinatorRequest,
  findCoordinatorResponse,
} from "../../../protocol/messages/find-coordinator.ts";
import { heartbeatRequest, heartbeatResponse } from "../../../protocol/messages/heartbeat.ts";
import { joinGroupRequest, joinGroupResponse } from "../../../protocol/messages/join-group.ts";
import type { JoinGroupResponse } from "../../../protocol/messages/join-group.ts";
import { leaveGroupRequest, leaveGroupResponse } from "../../../protocol/messages/leave-group.ts";
import {
  offsetCommitRequest,
  offsetCommitResponse,
} from "../../../protocol/messages/offset-commit.ts";
import {
  offsetFetchRequest,
  offsetFetchResponse,
} from "../../../protocol/messages/offset-fetch.ts";
import { syncGroupRequest, syncGroupResponse } from "../../../protocol/messages/sync-group.ts";
import type { Message } from "../../../protocol/schema/message.ts";
import { DecodeError } from "../../../protocol/schema/decode-error.ts";
import { decodeVersioned, encodeVersioned } from "../../../protocol/schema/versioned.ts";
import type { ClientPlace } from "../cell/sim-cell.ts";
import type { GroupOffset, History } from "../history/history.ts";
import { partitionKey } from "../history/history.ts";
import { ClusterClient } from "./cluster-client.ts";
import { Fetcher } from "./fetcher.ts";
import { NoAnswer } from "./wire-connection.ts";

export type GroupMemberOptions = {
  readonly group: string;
  readonly topics: readonly string[];
  readonly sessionTimeoutMs: number;
  readonly heartbeatMs: number;
  readonly commitMs: number;
  readonly usesSessions: boolean;
};

type Owned = { readonly topic: string; readonly partitions: readonly number[] };

const assignorName = "range";
/** What a member may do after a call: go on in its generation, or join anew, as itself or as nobody. */
type Standing = "member" | "rejoin" | "stranger";

const lost: readonly ErrorName[] = [
  "UNKNOWN_MEMBER_ID",
  "ILLEGAL_GENERATION",
  "FENCED_INSTANCE_ID",
];
const moved: readonly ErrorName[] = [
  "NOT_COORDINATOR",
  "COORDINATOR_NOT_AVAILABLE",
  "COORDINATOR_LOAD_IN_PROGRESS",
];

/** A consumer in a group, by the classic protocol: joins, is assigned partitions, reads them, commits what it has read, and joins again when told to. */
export class GroupMember {
  readonly #place: ClientPlace;
  readonly #client: ClusterClient;
  readonly #history: History;
  readonly #options: GroupMemberOptions;
  readonly #fetcher: Fetcher;
  #memberId = "";
  #generation = -1;
  #coordinator: number | null = null;
  #isStopped = false;
  #running: Promise<void> = Promise.resolve();

  constructor(place: ClientPlace, history: History, options: GroupMemberOptions) {
    this.#place = place;
    this.#history = history;
    this.#options = options;
    this.#client = new ClusterClient(place);
    this.#client.want(options.topics);
    this.#fetcher = new Fetcher(this.#client, {
      name: place.process.name,
      history,
      usesSessions: options.usesSessions,
      maxWaitMs: 500,
      maxBytes: 64 * 1024,
      rack: "",
    });
  }

  start(): void {
    this.#place.process.deliver(() => {
      void this.#fetcher.run();
      this.#running = this.#run();
    });
  }

  /** Commits, leaves and is done. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#running;
    this.#fetcher.stop();
    this.#client.disconnect();
  }

  async #run(): Promise<void> {
    for (let tries = 0; !this.#isStopped; tries++) {
      try {
        const isJoined = await this.#join();
        if (!isJoined) {
          await this.#client.backoff(1);
          continue;
        }
        tries = 0;
        await this.#serve();
      } catch (error) {
        if (!(error instanceof NoAnswer)) throw error;
        this.#coordinator = null;
        await this.#client.backoff(tries);
      }
    }
    await this.#leave().catch(() => undefined);
  }

  async #join(): Promise<boolean> {
    const { group, topics, sessionTimeoutMs } = this.#options;
    const metadata = Buffer.from(
      encodeVersioned(consumerProtocolSubscription, 0, { topics: [...topics] }),
    );
    const joined = await this.#ask(joinGroupRequest, joinGroupResponse, 5, {
      groupId: group,
      sessionTimeoutMs,
      rebalanceTimeoutMs: sessionTimeoutMs,
      memberId: this.#memberId,
      protocolType: "consumer",
      protocols: [{ name: assignorName, metadata }],
    });
    const error = errorNameOf(joined.errorCode);
    if (error === "MEMBER_ID_REQUIRED") this.#memberId = joined.memberId;
    if (error !== "NONE") {
      this.#standingAfter(error);
      return false;
    }
    this.#memberId = joined.memberId;
    this.#generation = joined.generationId;
    const synced = await this.#ask(syncGroupRequest, syncGroupResponse, 3, {
      groupId: group,
      generationId: this.#generation,
      memberId: this.#memberId,
      assignments: await this.#assignments(joined),
    });
    const syncError = errorNameOf(synced.errorCode);
    if (syncError !== "NONE") {
      this.#standingAfter(syncError);
      return false;
    }
    return this.#takeOver(synced.assignment);
  }

  async #assignments(joined: JoinGroupResponse) {
    if (joined.leader !== joined.memberId) return [];
    await this.#client.refresh();
    const members = joined.members.map(({ memberId }) => memberId).toSorted();
    const owned = new Map<string, Owned[]>(members.map((member) => [member, []]));
    for (const topic of this.#options.topics) {
      const count = this.#client.topic(topic)?.leaders.length ?? 0;
      for (const [at, member] of members.entries()) {
        const from = Math.floor((count * at) / members.length);
        const to = Math.floor((count * (at + 1)) / members.length);
        const partitions = Array.from({ length: to - from }, (_, index) => from + index);
        if (partitions.length > 0) owned.get(member)?.push({ topic, partitions });
      }
    }
    return members.map((memberId) => ({
      memberId,
      assignment: Buffer.from(
        encodeVersioned(consumerProtocolAssignment, 0, {
          assignedPartitions: (owned.get(memberId) ?? []).map(({ topic, partitions }) => ({
            topic,
            partitions: [...partitions],
          })),
          userData: null,
        }),
      ),
    }));
  }

  async #takeOver(assignment: Uint8Array): Promise<boolean> {
    const decoded =
      assignment.length === 0 ? null : decodeVersioned(consumerProtocolAssignment, assignment);
    if (decoded instanceof DecodeError) throw decoded;
    const owned = decoded?.value.assignedPartitions ?? [];
    for (const { topic, partitions } of owned) {
      const topicId = this.#client.topic(topic)?.topicId;
      if (topicId === undefined) continue;
      for (const index of partitions) {
        this.#history.owners.push({
          group: this.#options.group,
          generation: this.#generation,
          member: this.#memberId,
          partition: partitionKey(topicId, index),
        });
      }
    }
    const positions = await this.#committed(owned);
    if (positions === null) return false;
    this.#fetcher.assign(positions);
    return true;
  }

  async #committed(
    owned: readonly Owned[],
  ): Promise<{ topic: string; index: number; position: number }[] | null> {
    const askedMs = this.#place.world.nowMs;
    const answer = await this.#ask(offsetFetchRequest, offsetFetchResponse, 7, {
      groupId: this.#options.group,
      topics: owned.map(({ topic, partitions }) => ({
        name: topic,
        partitionIndexes: [...partitions],
      })),
      requireStable: true,
    });
    if (answer.errorCode !== 0) {
      this.#standingAfter(errorNameOf(answer.errorCode));
      return null;
    }
    const positions: { topic: string; index: number; position: number }[] = [];
    for (const { name, partitions } of answer.topics) {
      for (const { partitionIndex, committedOffset, errorCode } of partitions) {
        if (errorCode !== 0) return null;
        this.#note("fetched", { name, partitionIndex, committedOffset }, askedMs)?.();
        positions.push({
          topic: name,
          index: partitionIndex,
          position: Math.max(0, committedOffset),
        });
      }
    }
    return positions;
  }

  async #serve(): Promise<void> {
    const { heartbeatMs, commitMs, group } = this.#options;
    const { clock } = this.#place;
    let committedMs = clock.monotonicMs();
    let standing: Standing = "member";
    while (!this.#isStopped && standing === "member") {
      await this.#client.sleep(heartbeatMs);
      const beat = await this.#ask(heartbeatRequest, heartbeatResponse, 3, {
        groupId: group,
        generationId: this.#generation,
        memberId: this.#memberId,
      });
      standing = this.#standingAfter(errorNameOf(beat.errorCode));
      if (standing === "stranger") break;
      if (standing === "rejoin" || clock.monotonicMs() - committedMs > commitMs) {
        committedMs = clock.monotonicMs();
        const after = await this.#commit();
        if (standing === "member") standing = after;
      }
    }
    if (this.#isStopped && standing === "member") await this.#commit();
    this.#fetcher.assign([]);
  }

  async #commit(): Promise<Standing> {
    const partitions = [...this.#fetcher.partitions].filter(({ position }) => position > 0);
    if (partitions.length === 0) return "member";
    const askedMs = this.#place.world.nowMs;
    const acknowledge = new Map<string, () => void>();
    for (const { topic, index, position } of partitions) {
      const commit = { name: topic, partitionIndex: index, committedOffset: position };
      const done = this.#note("committed", commit, askedMs);
      if (done !== null) acknowledge.set(`${topic}/${index}`, done);
    }
    const answer = await this.#ask(offsetCommitRequest, offsetCommitResponse, 7, {
      groupId: this.#options.group,
      generationIdOrMemberEpoch: this.#generation,
      memberId: this.#memberId,
      topics: partitions.map(({ topic, index, position }) => ({
        name: topic,
        partitions: [{ partitionIndex: index, committedOffset: position, committedMetadata: "" }],
      })),
    });
    let standing: Standing = "member";
    for (const { name, partitions: committed } of answer.topics) {
      for (const { partitionIndex, errorCode } of committed) {
        if (errorCode === 0) acknowledge.get(`${name}/${partitionIndex}`)?.();
        else standing = this.#standingAfter(errorNameOf(errorCode));
      }
    }
    return standing;
  }

  /** Notes the start of a commit, or a read of one; the result notes its success. Null if the topic is not known. */
  #note(
    kind: GroupOffset["kind"],
    at: { name: string; partitionIndex: number; committedOffset: number },
    askedMs: number,
  ): (() => void) | null {
    const topicId = this.#client.topic(at.name)?.topicId;
    if (topicId === undefined) return null;
    const noted: GroupOffset = {
      kind,
      group: this.#options.group,
      partition: partitionKey(topicId, at.partitionIndex),
      offset: at.committedOffset,
      askedMs,
      answeredMs: Infinity,
      isAcknowledged: false,
    };
    this.#history.groupOffsets.push(noted);
    return () => {
      noted.answeredMs = this.#place.world.nowMs;
      noted.isAcknowledged = true;
    };
  }

  async #leave(): Promise<void> {
    if (this.#memberId === "") return;
    await this.#ask(leaveGroupRequest, leaveGroupResponse, 3, {
      groupId: this.#options.group,
      members: [{ memberId: this.#memberId, groupInstanceId: null }],
    });
  }

  #standingAfter(error: ErrorName): Standing {
    if (error === "NONE") return "member";
    this.#place.world.trace(() => `${this.#place.process.name} is told ${error}`);
    if (moved.includes(error)) {
      this.#coordinator = null;
      return "member";
    }
    if (lost.includes(error)) {
      if (error !== "ILLEGAL_GENERATION") this.#memberId = "";
      this.#generation = -1;
      return "stranger";
    }
    return "rejoin";
  }

  /** Asks the coordinator, which is looked for if it is not known. */
  async #ask<Request, RequestInput, Response, ResponseInput>(
    request: Message<Request, RequestInput>,
    response: Message<Response, ResponseInput>,
    version: number,
    body: RequestInput,
  ): Promise<Response> {
    this.#coordinator ??= await this.#findCoordinator();
    const connection = await this.#client.connectionTo(this.#coordinator);
    const timeoutMs = this.#options.sessionTimeoutMs + 5_000;
    return connection.call(request, response, { version, timeoutMs }, body);
  }

  async #findCoordinator(): Promise<number> {
    const answer = await this.#client.ask(findCoordinatorRequest, findCoordinatorResponse, 3, {
      key: this.#options.group,
    });
    if (answer.errorCode !== 0)
      throw new NoAnswer(`no coordinator: ${errorNameOf(answer.errorCode)}`);
    await this.#client.refresh();
    return answer.nodeId;
  }
}
