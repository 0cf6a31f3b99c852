import type { ErrorName } from "../../protocol/errors.ts";
import type { HeartbeatRequest } from "../../protocol/messages/heartbeat.ts";
import type { JoinGroupRequest } from "../../protocol/messages/join-group.ts";
import type { LeaveGroupRequest } from "../../protocol/messages/leave-group.ts";
import type { SyncGroupRequest } from "../../protocol/messages/sync-group.ts";
import type { WhenFull } from "../coordinator/shard.ts";
import type { CoordinatorError, Decision, Outcome, Time } from "../coordinator/state-machine.ts";
import { failedJoin, failedSync } from "./group.ts";
import type { JoinReply, KeptEvent, LeaveResult, SyncReply, Ticket } from "./group.ts";
import { errorOf } from "./group-context.ts";
import type { GroupClient, GroupContext } from "./group-context.ts";
import { groupIdMaxLength, groupKeyOf } from "./group-key.ts";
import type { GroupEvent } from "./group.machine.ts";
import type { GroupEntry } from "./kept.ts";
import type { GroupShard, Waiter } from "./group-shard.ts";
import type { JoinEvent } from "./join-event.ts";
import { newMemberId } from "./member-id.ts";
import { metadataBytes } from "./protocols.ts";

export async function joinGroup(
  context: GroupContext,
  request: JoinGroupRequest,
  client: GroupClient,
): Promise<JoinReply> {
  const error = joinRequestError(context, request);
  if (error !== null) return failedJoin(error, request.memberId);
  const event = joinEventOf(context, request, client);
  const key = groupKeyOf(client.clusterId, request.groupId);
  return ask<JoinReply>(context, key, {
    park: (answer) => ({ type: "joinReply", answer }),
    failed: (failure) => failedJoin(errorOf(failure), request.memberId),
    refusal: (shard) => {
      if (shard.slots.has(key)) return null;
      if (request.memberId !== "") return failedJoin("UNKNOWN_MEMBER_ID", request.memberId);
      const isFull = shard.slots.size >= context.config.maxGroupsPerShard;
      return isFull ? failedJoin("POLICY_VIOLATION", request.memberId) : null;
    },
    eventOf: (ticket) => ({ ...event, ticket }),
  });
}

export async function syncGroup(
  context: GroupContext,
  request: SyncGroupRequest,
  client: GroupClient,
): Promise<SyncReply> {
  if (!isGroupId(request.groupId)) return failedSync("INVALID_GROUP_ID");
  const key = groupKeyOf(client.clusterId, request.groupId);
  // The frame is lent until the answer; assignments stay with the group.
  const assignments = new Map(
    request.assignments.map(({ memberId, assignment }) => [
      memberId,
      Buffer.copyBytesFrom(assignment),
    ]),
  );
  const { memberId, groupInstanceId, generationId, protocolType, protocolName } = request;
  return ask<SyncReply>(context, key, {
    park: (answer) => ({ type: "syncReply", answer }),
    failed: (failure) => failedSync(errorOf(failure)),
    refusal: (shard) => (shard.slots.has(key) ? null : failedSync("UNKNOWN_MEMBER_ID")),
    eventOf: (ticket) => ({
      type: "sync",
      ticket,
      memberId,
      groupInstanceId,
      generationId,
      protocolType,
      protocolName,
      assignments,
    }),
  });
}

export async function heartbeat(
  context: GroupContext,
  request: HeartbeatRequest,
  client: GroupClient,
): Promise<ErrorName> {
  if (!isGroupId(request.groupId)) return "INVALID_GROUP_ID";
  const key = groupKeyOf(client.clusterId, request.groupId);
  const { memberId, groupInstanceId, generationId } = request;
  return ask<ErrorName>(context, key, {
    park: (answer) => ({ type: "heartbeatReply", answer }),
    // Kafka too says all is well while it loads: the member's session starts anew when that is done.
    failed: (failure) => (failure === "COORDINATOR_LOAD_IN_PROGRESS" ? "NONE" : errorOf(failure)),
    refusal: (shard) => (shard.slots.has(key) ? null : "UNKNOWN_MEMBER_ID"),
    eventOf: (ticket) => ({ type: "heartbeat", ticket, memberId, groupInstanceId, generationId }),
    // A burst of commits must not cost members their sessions.
    whenFull: "decide",
  });
}

export type LeaveReply = { readonly error: ErrorName; readonly members: readonly LeaveResult[] };

export async function leaveGroup(
  context: GroupContext,
  request: Pick<LeaveGroupRequest, "groupId" | "members">,
  client: GroupClient,
): Promise<LeaveReply> {
  if (!isGroupId(request.groupId)) return { error: "INVALID_GROUP_ID", members: [] };
  const key = groupKeyOf(client.clusterId, request.groupId);
  const members = request.members.map(({ memberId, groupInstanceId }) => ({
    memberId,
    groupInstanceId,
  }));
  const unknown = members.map((each): LeaveResult => ({ ...each, error: "UNKNOWN_MEMBER_ID" }));
  let failure: ErrorName = "NONE";
  const results = await ask<readonly LeaveResult[]>(context, key, {
    park: (answer) => ({ type: "leaveReply", answer }),
    failed: (error) => {
      failure = errorOf(error);
      return [];
    },
    refusal: (shard) => (shard.slots.has(key) ? null : unknown),
    eventOf: (ticket) => ({ type: "leave", ticket, members }),
  });
  return { error: failure, members: results };
}

type Question<Reply> = {
  park(answer: (reply: Reply) => void): Waiter;
  failed(error: CoordinatorError): Reply;
  /** An answer that needs no group. */
  refusal(shard: GroupShard): Reply | null;
  eventOf(ticket: Ticket): GroupEvent;
  readonly whenFull?: WhenFull;
};

/** Steps the group; resolves when the group answers, which may be many steps later, or when the shard goes away. */
function ask<Reply>(context: GroupContext, key: string, question: Question<Reply>): Promise<Reply> {
  return new Promise((resolve) => {
    const fail = (error: CoordinatorError) => resolve(question.failed(error));
    const decide = (shard: GroupShard, time: Time): Decision<GroupEntry, KeptEvent[]> => {
      const refusal = question.refusal(shard);
      if (refusal !== null) {
        resolve(refusal);
        return { entries: [], reply: [] };
      }
      const ticket = shard.park(question.park(resolve), fail);
      return shard.step(shard.slotFor(key), question.eventOf(ticket), time);
    };
    const decided = context.runtime.write(key, decide, question.whenFull);
    void decided.then((outcome) => followUp(context, key, outcome, fail));
  });
}

/** What a step asked to be told once its entries were committed. A failed append has answered everybody already: the shard let go of them. */
function followUp(
  context: GroupContext,
  key: string,
  outcome: Outcome<readonly KeptEvent[]>,
  fail: (error: CoordinatorError) => void,
): void {
  // Too large: the step was told so on the spot and has answered.
  if (outcome.kind === "failed") {
    if (outcome.error !== "RECORD_LIST_TOO_LARGE") fail(outcome.error);
    return;
  }
  for (const kept of outcome.reply) {
    const tell = (shard: GroupShard, time: Time) => {
      const slot = shard.slots.get(key);
      return slot === undefined
        ? { entries: [], reply: [] }
        : shard.step(slot, { ...kept, error: null }, time);
    };
    void context.runtime
      .write(key, tell, "decide")
      .then((next) => followUp(context, key, next, () => undefined));
  }
}

function isGroupId(groupId: string): boolean {
  return groupId !== "" && groupId.length <= groupIdMaxLength;
}

/** Names go into records as strings of at most 32,767 bytes. */
const nameMaxLength = 10_000;

function joinRequestError(context: GroupContext, request: JoinGroupRequest): ErrorName | null {
  if (!isGroupId(request.groupId)) return "INVALID_GROUP_ID";
  const { sessionTimeoutMinimumMs, sessionTimeoutMaximumMs } = context.config;
  const { sessionTimeoutMs, groupInstanceId, protocolType, protocols } = request;
  if (sessionTimeoutMs < sessionTimeoutMinimumMs || sessionTimeoutMs > sessionTimeoutMaximumMs)
    return "INVALID_SESSION_TIMEOUT";
  const names = [groupInstanceId ?? "", protocolType, ...protocols.map(({ name }) => name)];
  if (names.some((name) => name.length > nameMaxLength)) return "INVALID_REQUEST";
  const isTooMuch =
    protocols.length > context.config.memberMaxProtocols ||
    metadataBytes(protocols) > context.config.memberMetadataMaxBytes;
  return isTooMuch ? "INVALID_REQUEST" : null;
}

function joinEventOf(
  context: GroupContext,
  request: JoinGroupRequest,
  client: GroupClient,
): JoinEvent {
  const { memberId, groupInstanceId, sessionTimeoutMs, rebalanceTimeoutMs } = request;
  // The frame is lent until the answer; the metadata stays with the member.
  const protocols = request.protocols.map(({ name, metadata }) => ({
    name,
    metadata: Buffer.copyBytesFrom(metadata),
  }));
  return {
    type: "join",
    ticket: 0,
    memberId,
    newMemberId: newMemberId(groupInstanceId ?? client.clientId, context.random),
    groupInstanceId,
    clientId: client.clientId.slice(0, nameMaxLength),
    clientHost: client.clientHost,
    sessionTimeoutMs,
    // v0 has no rebalance timeout: the session's stood for both.
    rebalanceTimeoutMs: rebalanceTimeoutMs < 0 ? sessionTimeoutMs : rebalanceTimeoutMs,
    protocolType: request.protocolType,
    protocols,
    requiresKnownMemberId: client.apiVersion >= 4,
    canSkipAssignment: client.apiVersion >= 9,
  };
}
