import type { ErrorName } from "../../protocol/errors.ts";
import { memberError } from "./group.ts";
import type { Group, Step } from "./group.ts";
import { renewSession } from "./heartbeat.ts";

export type Committer = {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  /** -1: not a member. Tools that set offsets and consumers that assign themselves commit so, to groups nobody is in. */
  readonly generationId: number;
};

/** Whether the group takes commits from this client now. A member that may commit has shown that it lives. */
export function admitCommit(group: Group, committer: Committer, step: Step): ErrorName | null {
  const { memberId, groupInstanceId, generationId } = committer;
  if (generationId < 0 && group.state === "Empty") return null;
  if (generationId < 0 && memberId === "" && groupInstanceId === null) return "UNKNOWN_MEMBER_ID";
  const error = memberError(group, memberId, groupInstanceId);
  if (error !== null) return error;
  if (generationId !== group.generationId) return "ILLEGAL_GENERATION";
  if (group.state === "CompletingRebalance") return "REBALANCE_IN_PROGRESS";
  renewSession(group, memberId, step);
  return null;
}
