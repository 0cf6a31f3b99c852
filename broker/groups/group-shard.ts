import type { ErrorName } from "../../protocol/errors.ts";
import { zeroUuid } from "../../protocol/schema/types.ts";
import { createDeadlineHeap } from "../coordinator/deadline-heap.ts";
import type {
  CoordinatorError,
  Decision,
  StateMachine,
  Time,
} from "../coordinator/state-machine.ts";
import { createGroup } from "./group.ts";
import type {
  Effect,
  Group,
  JoinReply,
  KeptEvent,
  LeaveResult,
  SyncReply,
  Ticket,
} from "./group.ts";
import type { GroupConfig } from "./group-config.ts";
import { groupOf } from "./group-image.ts";
import { splitGroupKey } from "./group-key.ts";
import { step } from "./group.machine.ts";
import type { GroupEvent } from "./group.machine.ts";
import { tombstoneBytes } from "./kept.ts";
import type { GroupEntry, KeptGroup, KeptOffset } from "./kept.ts";
import { isExpired } from "./offset-expiry.ts";
import { decodeEntry, encodeEntry } from "./records.ts";
import type { TopicLookup } from "./topic-lookup.ts";

/** A group and its offsets. `kept` and `offsets` are the log's; `group` is what runs. */
export type GroupSlot = {
  readonly key: string;
  readonly clusterId: string;
  readonly groupId: string;
  group: Group;
  kept: KeptGroup | null;
  /** By topic, then partition. */
  readonly offsets: Map<string, Map<number, KeptOffset>>;
};

/** Who waits for the answer to a ticket. */
export type Waiter =
  | { readonly type: "joinReply"; answer(reply: JoinReply): void }
  | { readonly type: "syncReply"; answer(reply: SyncReply): void }
  | { readonly type: "heartbeatReply"; answer(error: ErrorName): void }
  | { readonly type: "leaveReply"; answer(results: readonly LeaveResult[]): void };

/** What a timer may add to the log at once: well inside one batch, whatever else travels with it. */
const timerBudgetBytes = 128 * 1024;
/** Groups looked at in one turn of the event loop. */
const timerGroupCount = 1_000;

/** The groups of one partition of `__consumer_offsets`, of all clusters. */
export class GroupShard implements StateMachine<GroupEntry> {
  readonly slots = new Map<string, GroupSlot>();
  readonly #config: GroupConfig;
  readonly #topics: TopicLookup;
  readonly #deadlines = createDeadlineHeap<string>();
  readonly #waiters = new Map<
    Ticket,
    { readonly waiter: Waiter; fail(error: CoordinatorError): void }
  >();
  #nextTicket: Ticket = 1;
  #sweepAtMs = Infinity;
  /** Slots still to be swept; null between sweeps. */
  #sweep: GroupSlot[] | null = null;

  constructor(config: GroupConfig, topics: TopicLookup) {
    this.#config = config;
    this.#topics = topics;
  }

  encode = encodeEntry;
  decode = decodeEntry;

  replay(entry: GroupEntry): void {
    const slot = this.slotFor(entry.groupKey);
    if (entry.type === "group") {
      slot.kept = entry.value;
      if (entry.value === null) slot.group = createGroup();
    } else if (entry.value === null) {
      const partitions = slot.offsets.get(entry.topic);
      partitions?.delete(entry.partition);
      if (partitions?.size === 0) slot.offsets.delete(entry.topic);
    } else {
      const partitions = slot.offsets.get(entry.topic);
      if (partitions === undefined)
        slot.offsets.set(entry.topic, new Map([[entry.partition, entry.value]]));
      else partitions.set(entry.partition, entry.value);
    }
    this.dropIfVoid(slot);
  }

  loaded(nowMs: number): void {
    for (const slot of this.slots.values()) {
      if (slot.kept === null) continue;
      slot.group = groupOf(slot.kept, nowMs);
      if (slot.group.members.size > 0) this.#deadlines.wakeBy(slot.key, nowMs);
    }
    this.#sweepAtMs = nowMs + this.#config.offsetsRetentionCheckIntervalMs;
  }

  *liveEntries(): Generator<GroupEntry> {
    // The list of slots is taken now, so that groups added for ever do not make the walk endless.
    for (const slot of Array.from(this.slots.values())) {
      const { key: groupKey } = slot;
      if (slot.kept !== null) yield { type: "group", groupKey, value: slot.kept };
      for (const [topic, partitions] of slot.offsets)
        for (const [partition, value] of partitions)
          yield { type: "offset", groupKey, topic, partition, value };
    }
  }

  nextTimerMs(): number | null {
    const nextMs = Math.min(this.#deadlines.nextMs() ?? Infinity, this.#sweepAtMs);
    return nextMs === Infinity ? null : nextMs;
  }

  onTimer(time: Time): Decision<GroupEntry, null> {
    const entries: GroupEntry[] = [];
    const budget = { bytes: timerBudgetBytes, groups: timerGroupCount };
    while (budget.bytes > 0 && budget.groups-- > 0) {
      const key = this.#deadlines.takeDue(time.nowMs);
      if (key === null) break;
      const slot = this.slots.get(key);
      if (slot === undefined) continue;
      for (const entry of this.step(slot, { type: "tick" }, time).entries) {
        entries.push(entry);
        budget.bytes -= tombstoneBytes(entry);
      }
    }
    if (time.nowMs >= this.#sweepAtMs) this.#sweepSome(time, budget, entries);
    return { entries, reply: null };
  }

  abandon(error: CoordinatorError): void {
    const waiters = [...this.#waiters.values()];
    this.#waiters.clear();
    for (const parked of waiters) parked.fail(error);
  }

  slotFor(key: string): GroupSlot {
    const known = this.slots.get(key);
    if (known !== undefined) return known;
    const slot: GroupSlot = {
      key,
      ...splitGroupKey(key),
      group: createGroup(),
      kept: null,
      offsets: new Map(),
    };
    this.slots.set(key, slot);
    return slot;
  }

  /** A group that holds nothing and waits for nobody is no group. */
  dropIfVoid(slot: GroupSlot): void {
    const { group } = slot;
    const isVoid =
      slot.kept === null &&
      slot.offsets.size === 0 &&
      group.state === "Empty" &&
      group.pendingMembers.size === 0;
    if (isVoid) this.slots.delete(slot.key);
  }

  park(waiter: Waiter, fail: (error: CoordinatorError) => void): Ticket {
    const ticket = this.#nextTicket++;
    this.#waiters.set(ticket, { waiter, fail });
    return ticket;
  }

  /** Steps the group and does what follows, save what must go to the log first: that is the decision. */
  step(slot: GroupSlot, event: GroupEvent, time: Time): Decision<GroupEntry, KeptEvent[]> {
    const entries: GroupEntry[] = [];
    const reply: KeptEvent[] = [];
    for (const effect of step(slot.group, event, { time, config: this.#config })) {
      if (effect.type === "keep") {
        entries.push({ type: "group", groupKey: slot.key, value: effect.image });
        if (effect.onKept !== null) reply.push(effect.onKept);
      } else if (effect.type === "wakeBy") this.#deadlines.wakeBy(slot.key, effect.atMs);
      else this.#answer(effect);
    }
    if (entries.length === 0) this.dropIfVoid(slot);
    const tooLarge = () => {
      for (const kept of reply) this.step(slot, { ...kept, error: "UNKNOWN_SERVER_ERROR" }, time);
    };
    // Kafka's rule: members are told, and the group rebalances; that the entries may be committed yet is as if an answer had been lost.
    const overdue = (laterOn: Time): Decision<GroupEntry, null> => {
      const told = reply.map((kept) =>
        this.step(slot, { ...kept, error: "COORDINATOR_NOT_AVAILABLE" }, laterOn),
      );
      return { entries: told.flatMap((decision) => decision.entries), reply: null };
    };
    return { entries, reply, tooLarge, overdue };
  }

  #answer(effect: Exclude<Effect, { type: "keep" | "wakeBy" }>): void {
    const waiter = this.#waiters.get(effect.ticket)?.waiter;
    this.#waiters.delete(effect.ticket);
    if (waiter?.type === "joinReply" && effect.type === "joinReply") waiter.answer(effect.reply);
    if (waiter?.type === "syncReply" && effect.type === "syncReply") waiter.answer(effect.reply);
    if (waiter?.type === "heartbeatReply" && effect.type === "heartbeatReply")
      waiter.answer(effect.error);
    if (waiter?.type === "leaveReply" && effect.type === "leaveReply")
      waiter.answer(effect.results);
  }

  /** Expired offsets, offsets of topics that are no more, and groups that hold nothing else; a bounded part of the shard at a time. */
  #sweepSome(time: Time, budget: { bytes: number; groups: number }, entries: GroupEntry[]): void {
    this.#sweep ??= Array.from(this.slots.values());
    for (; budget.bytes > 0 && budget.groups > 0; budget.groups--) {
      const slot = this.#sweep.at(-1);
      if (slot === undefined) {
        this.#sweep = null;
        this.#sweepAtMs = time.nowMs + this.#config.offsetsRetentionCheckIntervalMs;
        return;
      }
      for (const entry of this.#sweepSlot(slot, time, budget.bytes)) {
        entries.push(entry);
        budget.bytes -= tombstoneBytes(entry);
      }
      // A slot that used the budget up may have more to let go of: it is looked at again.
      if (budget.bytes > 0) this.#sweep.pop();
    }
  }

  *#sweepSlot(slot: GroupSlot, time: Time, budgetBytes: number): Generator<GroupEntry> {
    const { group, key: groupKey } = slot;
    if (this.slots.get(groupKey) !== slot) return;
    let leftBytes = budgetBytes;
    let retainedCount = 0;
    for (const [topic, partitions] of slot.offsets)
      for (const [partition, offset] of partitions) {
        const context = { wallMs: time.wallMs, config: this.#config };
        const isGone =
          leftBytes > 0 &&
          (isExpired(group, topic, offset, context) ||
            !isCurrent(this.#topics, slot, topic, offset));
        if (!isGone) {
          retainedCount += 1;
          continue;
        }
        const entry = { type: "offset", groupKey, topic, partition, value: null } as const;
        leftBytes -= tombstoneBytes(entry);
        yield entry;
      }
    const isIdle = group.state === "Empty" && group.pendingMembers.size === 0;
    if (retainedCount === 0 && isIdle && slot.kept !== null)
      yield { type: "group", groupKey, value: null };
  }
}

/** Whether the topic the offset was committed for is the one that has its name now. */
export function isCurrent(
  topics: TopicLookup,
  slot: GroupSlot,
  topic: string,
  offset: KeptOffset,
): boolean {
  const found = topics.byName(slot.clusterId, topic);
  return found !== null && (offset.topicId === zeroUuid || offset.topicId === found.topicId);
}
