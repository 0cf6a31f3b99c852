import type { BrokerRun } from "../cell/broker-node.ts";
import type { Partition } from "../../../metadata/image/image.ts";
import type { AcceptedEntry } from "../cell/cell-truth.ts";
import type { ReplicaView } from "../cell/replica-view.ts";
import type { SimCell } from "../cell/sim-cell.ts";
import { cellName } from "../cell/broker-node.ts";
import type { ObjectChange } from "../stores/sim-object-store.ts";
import { topicsPrefix } from "../../../broker/tiering/object-keys.ts";
import { CommittedLog } from "./committed-log.ts";
import { TierObjects } from "./tier-objects.ts";
import type { Checks, Invariant, ReplicaNumbers, WatchedBroker } from "./invariant.ts";

type Watched = WatchedBroker & {
  replicas: readonly ReplicaView[];
  numbers: Map<ReplicaView, ReplicaNumbers>;
  cursor: number;
};

type Named = { readonly name: string; readonly checks: Checks };

/** Above so many replicas a broker's are looked at in turns, and not all after every event. */
const allAtOnce = 256;

/** Asserts invariants after every event, on what the event may have changed. */
export class InvariantWatch {
  readonly #cell: SimCell;
  readonly #named: Named[];
  readonly #brokers = new Map<number, Watched>();
  readonly #known = new Map<number, Watched>();
  readonly #byRun = new Map<BrokerRun, Watched>();
  readonly #committed = new Map<string, CommittedLog>();
  readonly #dirty = new Set<Watched>();
  /** Replicas looked at, so that a run can say that it has looked. */
  looks = 0;
  #isStopped = false;

  constructor(cell: SimCell, invariants: readonly Invariant[]) {
    this.#cell = cell;
    const observed = {
      truth: cell.truth,
      brokers: this.#brokers,
      known: this.#known,
      committed: (topicId: string, index: number) => this.#committedOf(topicId, index),
      tier: new TierObjects(cellName, (key) => cell.objects.peek(key)),
      coldEnd: (place: { topicId: string; index: number }) => cell.cold.endOf(place),
    };
    for (const key of cell.objects.keys(topicsPrefix(cellName)))
      observed.tier.take({ key, before: null, after: cell.objects.peek(key) });
    cell.objects.onChange((change) => this.#object(observed.tier, change));
    this.#named = invariants.map(({ name, watch }) => ({ name, checks: watch(observed) }));
    cell.truth.onEntry((entry) => this.#entry(entry));
    cell.onRun({
      serves: (run) => this.#serves(run),
      stoppedInTime: (run) => this.#stoppedInTime(run),
      ended: (run) => this.#ended(run),
    });
    cell.world.afterEvent(() => this.#afterEvent());
  }

  /** Says nothing more. */
  stop(): void {
    this.#isStopped = true;
  }

  /** Looks at everything, whether it was touched or not. */
  checkAll(): void {
    for (const broker of this.#byRun.values()) this.#look(broker, Infinity);
  }

  #committedOf(topicId: string, index: number): CommittedLog {
    const key = `${topicId}/${index}`;
    let committed = this.#committed.get(key);
    if (committed === undefined) {
      committed = new CommittedLog();
      this.#committed.set(key, committed);
    }
    return committed;
  }

  #entry(entry: AcceptedEntry): void {
    for (const { topicId, index, after } of entry.partitions) {
      this.#cell.world.trace(
        () =>
          `entry ${entry.revision}: ${topicId}/${index} is ${after === null ? "gone" : textOf(after)}`,
      );
    }
    for (const { topicId, index, before, after } of entry.partitions) {
      const recovery = after?.recoveries.at(-1);
      if (before === null || after === null || recovery === undefined) continue;
      if (recovery.epoch === before.recoveries.at(-1)?.epoch) continue;
      const change = { topicId, index, before, after };
      for (const { name, checks } of this.#named) {
        this.#report(name, checks.recovery?.(change), `entry ${entry.revision}`);
      }
      this.#committedOf(topicId, index).cutTo(recovery.end);
    }
    for (const { name, checks } of this.#named) {
      this.#report(name, checks.entry?.(entry), `entry ${entry.revision}`);
    }
  }

  #object(tier: TierObjects, change: ObjectChange): void {
    const manifest = tier.take(change);
    if (typeof manifest === "string") return this.#cell.world.fail(manifest);
    for (const { name, checks } of this.#named) {
      this.#report(name, checks.object?.(change), change.key);
      if (manifest !== null) this.#report(name, checks.manifest?.(manifest), change.key);
    }
  }

  #serves(run: BrokerRun): void {
    const { view } = run;
    if (view === null) return;
    const { name } = run.process;
    const { bootNumber } = run.process.host;
    const { losses } = run.node.disk;
    const { unflushed, flushed } = losses;
    const watched: Watched = {
      name,
      view,
      bootNumber,
      lost() {
        if (losses.flushed > flushed) return "everything";
        return losses.unflushed > unflushed ? "unflushed" : "nothing";
      },
      replicas: [],
      numbers: new Map(),
      cursor: 0,
    };
    this.#brokers.set(view.brokerId, watched);
    this.#known.set(view.brokerId, watched);
    this.#byRun.set(run, watched);
    // Several entries may be replayed in one event: what is right after each need not be after the last.
    view.onApplied(() => {
      if (this.#byRun.has(run)) this.#look(watched, allAtOnce);
    });
    run.process.onTouched = () => this.#dirty.add(watched);
    this.#dirty.add(watched);
  }

  #stoppedInTime(run: BrokerRun): void {
    const watched = this.#byRun.get(run);
    if (watched === undefined) return;
    for (const { name, checks } of this.#named) {
      this.#report(name, checks.stoppedInTime?.(watched), watched.name);
    }
  }

  #ended(run: BrokerRun): void {
    const watched = this.#byRun.get(run);
    if (watched === undefined) return;
    this.#byRun.delete(run);
    this.#dirty.delete(watched);
    if (this.#brokers.get(watched.view.brokerId) === watched) {
      this.#brokers.delete(watched.view.brokerId);
    }
    for (const { checks } of this.#named) checks.ended?.(watched, watched.numbers);
  }

  #afterEvent(): void {
    if (this.#dirty.size === 0) return;
    for (const watched of this.#dirty) this.#look(watched, allAtOnce);
    this.#dirty.clear();
  }

  #look(watched: Watched, most: number): void {
    const replicas = watched.view.replicas();
    if (replicas !== watched.replicas) this.#adopt(watched, replicas);
    const { numbers } = watched;
    const count = Math.min(most, replicas.length);
    for (let step = 0; step < count; step++) {
      if (watched.cursor >= replicas.length) watched.cursor = 0;
      const replica = replicas[watched.cursor++]!;
      const before = numbers.get(replica);
      if (before === undefined || differs(before, replica)) {
        this.#changed(watched, replica, before ?? null);
      }
    }
    this.looks += count;
  }

  #adopt(watched: Watched, replicas: readonly ReplicaView[]): void {
    const kept = new Map<ReplicaView, ReplicaNumbers>();
    for (const replica of replicas) {
      const numbers = watched.numbers.get(replica);
      if (numbers !== undefined) kept.set(replica, numbers);
    }
    watched.replicas = replicas;
    watched.numbers = kept;
  }

  #changed(watched: Watched, replica: ReplicaView, before: ReplicaNumbers | null): void {
    // One that is offline answers for nothing.
    if (replica.failure === null) {
      const change = { broker: watched, replica, before };
      for (const { name, checks } of this.#named) {
        const message = checks.replica?.(change);
        this.#report(name, message, `${watched.name}, ${replica.topicId}/${replica.index}`);
      }
    }
    watched.numbers.set(replica, numbersOf(replica));
  }

  #report(name: string, message: string | null | undefined, where: string): void {
    if (message === null || message === undefined || this.#isStopped) return;
    this.#cell.world.fail(`${name} does not hold (${where}): ${message}`);
  }
}

function textOf({ leader, leaderEpoch, replicas, isr, elr, lastIsr }: Partition): string {
  return `led by ${leader} in ${leaderEpoch}: of ${replicas.join()}, ISR ${isr.join()}, ELR ${elr.join()}, last ${lastIsr.join()}`;
}

function differs(before: ReplicaNumbers, replica: ReplicaView): boolean {
  return (
    before.nextOffset !== replica.nextOffset ||
    before.logEndOffset !== replica.logEndOffset ||
    before.highWatermark !== replica.highWatermark ||
    before.logStartOffset !== replica.logStartOffset ||
    before.localStartOffset !== replica.localStartOffset ||
    before.leaderEpoch !== replica.leaderEpoch ||
    before.isLeader !== replica.isLeader
  );
}

function numbersOf(replica: ReplicaView): ReplicaNumbers {
  return {
    isLeader: replica.isLeader,
    leaderEpoch: replica.leaderEpoch,
    lastEpoch: replica.lastEpoch,
    logStartOffset: replica.logStartOffset,
    localStartOffset: replica.localStartOffset,
    highWatermark: replica.highWatermark,
    logEndOffset: replica.logEndOffset,
    nextOffset: replica.nextOffset,
  };
}
