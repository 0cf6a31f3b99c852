import type { ErrorName } from "../../protocol/errors.ts";
import { memberError, restartSession } from "./group.ts";
import type { Group, Step, Ticket } from "./group.ts";

export type HeartbeatEvent = {
  readonly type: "heartbeat";
  readonly ticket: Ticket;
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly generationId: number;
};

export function heartbeat(group: Group, event: HeartbeatEvent, step: Step): void {
  const error = heartbeatError(group, event);
  if (error === "NONE" || error === "REBALANCE_IN_PROGRESS")
    renewSession(group, event.memberId, step);
  step.effects.push({ type: "heartbeatReply", ticket: event.ticket, error });
}

function heartbeatError(group: Group, event: HeartbeatEvent): ErrorName {
  const unknown = memberError(group, event.memberId, event.groupInstanceId);
  if (unknown !== null) return unknown;
  if (event.generationId !== group.generationId) return "ILLEGAL_GENERATION";
  // In CompletingRebalance all is well: clients begin to send heartbeats as soon as their join is answered.
  return group.state === "PreparingRebalance" ? "REBALANCE_IN_PROGRESS" : "NONE";
}

export function renewSession(group: Group, memberId: string, step: Step): void {
  const member = group.members.get(memberId);
  if (member !== undefined) restartSession(member, step);
}
