import type { ErrorName } from "../../protocol/errors.ts";
import type { Time } from "../coordinator/state-machine.ts";
import type { Effect, Group, KeptEvent, Step } from "./group.ts";
import type { GroupConfig } from "./group-config.ts";
import { heartbeat } from "./heartbeat.ts";
import type { HeartbeatEvent } from "./heartbeat.ts";
import { join } from "./join.ts";
import type { JoinEvent } from "./join-event.ts";
import { leave } from "./leave.ts";
import type { LeaveEvent } from "./leave.ts";
import { answerReplacement } from "./static-member.ts";
import { endAssignment, sync } from "./sync.ts";
import type { SyncEvent } from "./sync.ts";
import { tick } from "./tick.ts";

export type GroupEvent =
  | JoinEvent
  | SyncEvent
  | HeartbeatEvent
  | LeaveEvent
  /** What a `keep` effect asked to be told: committed, or why it cannot be. */
  | (KeptEvent & { readonly error: ErrorName | null })
  | { readonly type: "tick" };

/** One transition of a classic group. Changes `group` in place and says what is to be done outside. */
export function step(
  group: Group,
  event: GroupEvent,
  context: { readonly time: Time; readonly config: GroupConfig },
): Effect[] {
  const current: Step = { ...context, effects: [] };
  apply(group, event, current);
  return current.effects;
}

function apply(group: Group, event: GroupEvent, current: Step): void {
  switch (event.type) {
    case "join":
      return join(group, event, current);
    case "sync":
      return sync(group, event, current);
    case "heartbeat":
      return heartbeat(group, event, current);
    case "leave":
      return leave(group, event, current);
    case "assignmentKept":
      return endAssignment(group, event, current);
    case "replacementKept":
      return answerReplacement(group, event, current);
    case "tick":
      return tick(group, current);
  }
}
