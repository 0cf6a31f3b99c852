import type { Command } from "../../metadata/commands/command.ts";
import { fallAsleep } from "../../metadata/commands/sleep-cell.ts";
import { waitsForAnyBroker, wakePartitions } from "../../metadata/commands/wake-partitions.ts";
import type { Broker, Image } from "../../metadata/image/image.ts";
import { isSleeping, sealsDue } from "../../metadata/image/seals.ts";
import type { Desk } from "./hearing.ts";

/** The cell sleeps once nothing is left that only brokers keep. */
export function sleep({ image }: Desk): Command<unknown> | null {
  return image.sleep.state === "fallingAsleep" ? fallAsleep : null;
}

/**
 * Partitions that need no broker in particular go to those that are there: a moment after the first of them came, so that those who come with it have their
 * share, and those who kept their disks lead what they hold.
 */
export function wake({ state, office, image, nowMs }: Desk): Command<unknown> | null {
  if (isSleeping(image) || !isAnyWaiting(image)) {
    office.wakingSinceMs = null;
    return null;
  }
  office.wakingSinceMs ??= nowMs;
  return nowMs - office.wakingSinceMs < state.config.wakeDelayMs ? null : wakePartitions;
}

/** C5: a disk that goes with its process leaves last copies to the object store. Another is there when the broker comes back. */
export function hasMoreToSeal({ state, image }: Desk, { brokerId, ephemeral }: Broker): boolean {
  return state.hasTier && ephemeral && sealsDue(image, brokerId).length > 0;
}

function isAnyWaiting(image: Image): boolean {
  if (image.leaderlessCount === 0) return false;
  for (const { partitions } of image.topics.values()) {
    if (partitions.some((each) => waitsForAnyBroker(image, each))) return true;
  }
  return false;
}
