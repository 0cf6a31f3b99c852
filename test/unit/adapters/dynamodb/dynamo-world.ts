import { createDynamoMetadataLog } from "../../../../adapters/dynamodb/metadata-log.ts";
import type { DynamoMetadataLogOptions } from "../../../../adapters/dynamodb/metadata-log.ts";
import { createManualClock } from "../../../../adapters/memory/clock.ts";
import type { ControlledClock } from "../../../../adapters/memory/clock.ts";
import { createSeededRandom } from "../../../../adapters/memory/random.ts";
import type { MetadataLog } from "../../../../ports/metadata-log.ts";
import { createSimulatedDynamo } from "../../../support/simulated-dynamo.ts";
import type { DynamoFaults, SimulatedDynamo } from "../../../support/simulated-dynamo.ts";

export const entriesPerBucket = 4;

/** Several processes' logs over one simulated table, in time that moves only while something is awaited here. */
export type DynamoWorld = {
  readonly dynamo: SimulatedDynamo;
  readonly clock: ControlledClock;
  open(faults?: DynamoFaults, options?: Partial<DynamoMetadataLogOptions>): MetadataLog;
  during<Result>(work: Promise<Result>): Promise<Result>;
  /** Moves time until nothing is left to happen, late calls included. */
  settle(): Promise<void>;
  /** A log with entries up to `head`, each with its revision as text. */
  filled(head: number): Promise<MetadataLog>;
  /** What is in the table, trimmed or not, by revision; "-" for what is left of a trimmed entry. */
  stored(): [revision: number, text: string][];
};

export function dynamoWorld({ seed = 1, latencyMs = 10 } = {}): DynamoWorld {
  const clock = createManualClock();
  const random = createSeededRandom(seed);
  const dynamo = createSimulatedDynamo({ clock, random, latencyMs });

  const open: DynamoWorld["open"] = (faults, options = {}) =>
    createDynamoMetadataLog({
      client: dynamo.client(faults),
      clock,
      random: createSeededRandom(Buffer.from(random.bytes(6)).readUIntBE(0, 6)),
      tableName: "metadata",
      cell: "c",
      entriesPerBucket,
      ...options,
    });

  async function during<Result>(work: Promise<Result>): Promise<Result> {
    let isDone = false;
    const finished = work.finally(() => {
      isDone = true;
    });
    finished.catch(() => {});
    await clock.advance(0);
    while (!isDone) {
      const dueMs = clock.nextDueMs();
      if (dueMs === null) throw new Error("waits for what will never happen");
      await clock.advance(Math.max(0, dueMs - clock.monotonicMs()));
    }
    return finished;
  }

  return {
    dynamo,
    clock,
    open,
    during,
    async settle() {
      await clock.advance(0);
      while (clock.nextDueMs() !== null) await clock.advance(1_000);
    },
    async filled(head) {
      const log = open();
      await during(log.genesis(1, bytesOf("1")));
      for (let revision = 2; revision <= head; revision++) {
        await during(log.append(revision, bytesOf(String(revision))));
      }
      dynamo.sent.clear();
      return log;
    },
    stored() {
      const found: [number, string][] = [];
      for (let bucket = 0; bucket < 100; bucket++) {
        for (const [revision, { entry }] of dynamo.table.itemsOf(`c/log/${bucket}`)) {
          found.push([revision, entry?.B === undefined ? "-" : textOf(entry.B)]);
        }
      }
      return found.sort(([a], [b]) => a - b);
    },
  };
}

export function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text));
}

export function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString();
}
