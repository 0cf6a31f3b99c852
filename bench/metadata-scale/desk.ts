import type {
  AlterPartitionOutcome,
  AlterPartitionRequest,
} from "../../metadata/commands/alter-partition.ts";
import { alterPartitions } from "../../metadata/commands/alter-partition.ts";
import { createIsrDesk } from "../../broker/replication/isr-desk.ts";
import { createMaintenance } from "../../metadata/log/maintenance.ts";
import type { ScaleBroker } from "./broker.ts";
import type { ScaleCell } from "./cell.ts";
import { liveImage } from "./live-image.ts";
import type { SharedReplica } from "./replica.ts";
import { onlyUnavailable } from "./unavailable.ts";

/** What a controller does besides its machine's duties: in-sync sets for the leaders, and the upkeep of the log. */
export type Desk = {
  alterPartitions(
    request: AlterPartitionRequest,
    answer: (outcome: AlterPartitionOutcome | null) => void,
  ): void;
  /** Archives, snapshots and trims; nothing where it has no office. */
  keepHouse(): void;
};

export function createDesk(cell: ScaleCell, broker: ScaleBroker, replica: SharedReplica): Desk {
  const isInOffice = (): boolean => (broker.running?.state.office ?? null) !== null;

  const decide = createIsrDesk(async (requests) => {
    const submitted = await replica.submit("alterPartition", (image, context) =>
      alterPartitions(image, requests, context),
    );
    if (submitted.kind === "rejected") throw new Error(submitted.message);
    return submitted.result;
  });

  const maintain = createMaintain(cell, replica, isInOffice);
  return {
    alterPartitions(request, answer) {
      if (!isInOffice()) return answer(null);
      void decide(request)
        .catch(onlyUnavailable)
        .then((outcome) => answer(outcome ?? null));
    },
    keepHouse: () => void (isInOffice() && maintain()),
  };
}

function createMaintain(
  { objects, meter, clock }: ScaleCell,
  replica: SharedReplica,
  isInOffice: () => boolean,
): () => void {
  const maintain = createMaintenance({
    log: replica.log,
    objects,
    cell: "c",
    image: liveImage(replica),
    replay: replica.replay,
    output: { info() {}, warn() {}, error() {} },
    snapshotEvery: 1_000,
    snapshotEveryBytes: 128 * 1024,
    trimMargin: 1_000,
    isFollowing: isInOffice,
    turn: () => new Promise((resolve) => void clock.after(0, resolve)),
  });
  let isRunning = false;
  return () => {
    if (isRunning) return;
    isRunning = true;
    const beganMs = clock.monotonicMs();
    void maintain()
      .catch(onlyUnavailable)
      .finally(() => {
        isRunning = false;
        meter.add("maintenance, virtual", clock.monotonicMs() - beganMs);
      });
  };
}
