import { noLeader } from "../../metadata/records/partition.ts";
import type { ProcessCell } from "./process-cell.ts";

const lookEveryMs = 100;

/** What a cell lacks of being whole: every broker in service, every partition led, on brokers that are there, with all its replicas in sync. Null if nothing. */
export function lackOf(cell: ProcessCell): string | null {
  const { image } = cell;
  const isActive = (brokerId: number): boolean => image.brokers.get(brokerId)?.state === "active";
  const missing = cell.slots.filter((slot) => !isActive(cell.brokerIdOf(slot)));
  if (missing.length > 0) return `the brokers in slots ${missing.join(", ")} are not in service`;
  const factor = Math.min(3, cell.slots.length);
  let leaderless = 0;
  let lagging = 0;
  let misplaced = 0;
  for (const { partitions } of image.topics.values())
    for (const { leader, isr, replicas } of partitions) {
      if (leader === noLeader) leaderless++;
      else if (replicas.length < factor || !replicas.every(isActive)) misplaced++;
      else if (isr.length < replicas.length) lagging++;
    }
  if (leaderless + lagging + misplaced === 0) return null;
  return `${leaderless} partitions have no leader, ${misplaced} a replica nowhere, ${lagging} one that is not in sync`;
}

/** Resolves when nothing is lacking; rejects with what still is when the time is over. */
export async function whenWell(cell: ProcessCell, limitSeconds: number): Promise<void> {
  await until(() => lackOf(cell) === null, {
    limitSeconds,
    what: () => `the cell is not well: ${lackOf(cell)}`,
  });
}

export async function until(
  isSo: () => boolean,
  { limitSeconds, what }: { limitSeconds: number; what: () => string },
): Promise<void> {
  const deadline = performance.now() + limitSeconds * 1000;
  while (!isSo()) {
    if (performance.now() > deadline) throw new Error(`after ${limitSeconds} s ${what()}`);
    await new Promise((resolve) => setTimeout(resolve, lookEveryMs));
  }
}
