import type { Clock } from "../../ports/clock.ts";
import type { LogOutput } from "../log-output.ts";
import type { CoordinatorLog } from "./coordinator-log.ts";
import { partitionForKey } from "./partition-for-key.ts";
import { defaultShardLimits } from "./shard-limits.ts";
import { CoordinatorShard } from "./shard.ts";
import type { ShardLimits } from "./shard-limits.ts";
import type { WhenFull } from "./shard.ts";
import type { Decision, Outcome, StateMachine, Time } from "./state-machine.ts";

/**
 * One kind of coordinator on this broker (groups, later transactions and share groups): a shard for each partition of its internal topic that this
 * broker leads. The broker calls `lead` and `resign` as leadership moves.
 */
export type CoordinatorRuntime<Entry, Machine extends StateMachine<Entry>> = {
  readonly partitionCount: number;
  /** This broker leads the partition now: load its state from `log` and serve. Again for the same partition: the log is another, load anew. */
  lead(partition: number, log: CoordinatorLog): void;
  /** It no longer does. Parked requests are answered NOT_COORDINATOR. */
  resign(partition: number): void;
  shardOf(key: string): CoordinatorShard<Entry, Machine> | null;
  /** Those this broker leads, by partition. */
  shards(): readonly CoordinatorShard<Entry, Machine>[];
  /** Resolves when no shard is loading: it serves, or has said why it cannot and tries again by itself. */
  whenLoaded(): Promise<void>;
  /** As the shard's own, for the shard of `key`. */
  write<Reply>(
    key: string,
    decide: (machine: Machine, time: Time) => Decision<Entry, Reply>,
    whenFull?: WhenFull,
  ): Promise<Outcome<Reply>>;
  read<Reply>(key: string, look: (machine: Machine, time: Time) => Reply): Promise<Outcome<Reply>>;
  close(): void;
};

export type RuntimeOptions<Machine> = {
  /** For log lines: the internal topic. */
  readonly name: string;
  readonly partitionCount: number;
  readonly clock: Clock;
  readonly output: LogOutput;
  readonly createMachine: (partition: number) => Machine;
  readonly limits?: ShardLimits;
};

export function createCoordinatorRuntime<Entry, Machine extends StateMachine<Entry>>(
  options: RuntimeOptions<Machine>,
): CoordinatorRuntime<Entry, Machine> {
  type Shard = CoordinatorShard<Entry, Machine>;
  const { name, partitionCount, clock, output, createMachine } = options;
  const shards = new Map<number, Shard>();
  const shardOf = (key: string) => shards.get(partitionForKey(key, partitionCount)) ?? null;
  const elsewhere = { kind: "failed", error: "NOT_COORDINATOR" } as const;

  function resign(partition: number): void {
    shards.get(partition)?.close();
    shards.delete(partition);
  }

  return {
    partitionCount,
    lead(partition, log) {
      resign(partition);
      const shard = new CoordinatorShard<Entry, Machine>({
        name: `${name}-${partition}`,
        clock,
        log,
        output,
        createMachine: () => createMachine(partition),
        limits: options.limits ?? defaultShardLimits,
      });
      shards.set(partition, shard);
    },
    resign,
    shardOf,
    shards: () => [...shards].sort(([left], [right]) => left - right).map(([, shard]) => shard),
    async whenLoaded() {
      await Promise.all([...shards.values()].map((shard) => shard.whenLoaded()));
    },
    write: (key, decide, whenFull) =>
      shardOf(key)?.write(decide, whenFull) ?? Promise.resolve(elsewhere),
    read: (key, look) => shardOf(key)?.read(look) ?? Promise.resolve(elsewhere),
    close() {
      for (const partition of shards.keys()) resign(partition);
    },
  };
}
