import type { Clock } from "../../ports/clock.ts";
import { createFooterBlocks, type FooterBlocks } from "./footer-blocks.ts";
import { PieceBuffers } from "./piece-buffers.ts";
import type { WalFile } from "./wal-file.ts";

/** What all readers of a WAL share. */
export type Reading = {
  readonly buffers: PieceBuffers;
  readonly blocks: FooterBlocks;
  /** Ranges in line for a reader. */
  readonly queued: Set<QueuedRange>;
};

export type QueuedRange = {
  /** The files it keeps from being used again. */
  readonly pinned: readonly WalFile[];
  /** Closes the connection it stands in line for. */
  readonly giveUp: () => void;
};

export function createReading(options: { clock: Clock; readBytes: number }): Reading {
  return {
    buffers: new PieceBuffers({ clock: options.clock, budgetBytes: options.readBytes }),
    blocks: createFooterBlocks(),
    queued: new Set(),
  };
}

/**
 * The disk has no room: gives up the readers of the oldest file that nothing but readers keeps from being used again. Reading so slowly costs disk, which is
 * free until it is needed.
 */
export function recallOldestFile({ queued }: Reading): void {
  let oldest: WalFile | null = null;
  for (const { pinned } of queued) {
    for (const file of pinned) {
      if (file.isRetired && (oldest === null || file.sequence < oldest.sequence)) oldest = file;
    }
  }
  if (oldest === null) return;
  for (const { pinned, giveUp } of queued) if (pinned.includes(oldest)) giveUp();
}
