import { createManualClock } from "../../../../adapters/memory/clock.ts";
import type { ControlledClock } from "../../../../adapters/memory/clock.ts";
import { createSeededRandom } from "../../../../adapters/memory/random.ts";
import { createS3ObjectStore } from "../../../../adapters/s3/object-store.ts";
import type { S3ObjectStoreOptions } from "../../../../adapters/s3/object-store.ts";
import type { ObjectStore } from "../../../../ports/object-store.ts";
import { createSimulatedS3 } from "../../../support/simulated-s3.ts";
import type { S3Faults, SimulatedS3 } from "../../../support/simulated-s3.ts";

/** Several processes' stores over one simulated bucket, in time that moves only while something is awaited here. */
export type S3World = {
  readonly s3: SimulatedS3;
  readonly clock: ControlledClock;
  open(faults?: S3Faults, options?: Partial<S3ObjectStoreOptions>): ObjectStore;
  during<Result>(work: Promise<Result>): Promise<Result>;
  /** Moves time until nothing is left to happen, late calls included. */
  settle(): Promise<void>;
  /** What the bucket holds, by key. */
  stored(): Record<string, string>;
};

export function s3World({ seed = 1, latencyMs = 10, maxListed = 1_000 } = {}): S3World {
  const clock = createManualClock();
  const random = createSeededRandom(seed);
  const s3 = createSimulatedS3({ clock, random, latencyMs, maxListed });

  const open: S3World["open"] = (faults, options = {}) =>
    createS3ObjectStore({
      client: s3.client(faults),
      clock,
      random: createSeededRandom(Buffer.from(random.bytes(6)).readUIntBE(0, 6)),
      bucket: "objects",
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
    s3,
    clock,
    open,
    during,
    async settle() {
      await clock.advance(0);
      while (clock.nextDueMs() !== null) await clock.advance(1_000);
    },
    stored: () =>
      Object.fromEntries([...s3.bucket.objects].map(([key, { bytes }]) => [key, textOf(bytes)])),
  };
}

export function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text));
}

export function textOf(bytes: Uint8Array | undefined): string {
  return Buffer.from(bytes ?? []).toString();
}
