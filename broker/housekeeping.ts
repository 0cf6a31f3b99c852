import { MetadataLogError } from "../ports/metadata-log.ts";
import { startPeriodic } from "./periodic.ts";
import type { BrokerServices } from "./services.ts";

/** How often the metadata log is archived (at most this far behind, architecture 3.2), snapshotted and trimmed. */
const everyMs = 10_000;

/** What a stop gives to the last round: a store that does not answer keeps nobody. */
const lastRoundMs = 3_000;

/**
 * What the controller's broker does for the cell beside deciding: it maintains the metadata log. The result stops it, after a last round: no broker may
 * come for long, and then the object store alone has to tell of the cell.
 */
export function startHousekeeping(
  services: Pick<BrokerServices, "clock" | "log" | "brokerId"> & {
    readonly metadata: Pick<BrokerServices["metadata"], "image" | "maintain">;
  },
): () => Promise<void> {
  const { clock, log, metadata, brokerId } = services;

  async function round(): Promise<void> {
    if (metadata.image.controller.brokerId === brokerId) await metadata.maintain();
  }

  function failed(error: unknown): void {
    const reason =
      error instanceof MetadataLogError ? "the metadata log does not answer" : "it failed";
    log.warn("the metadata log could not be maintained; it is tried again", {
      reason,
      error: String(error),
    });
  }

  const stop = startPeriodic({ clock, intervalMs: everyMs, round, failed });
  return async () => {
    let cancel = (): void => {};
    const isLate = new Promise<void>((resolve) => {
      cancel = clock.after(lastRoundMs, resolve);
    });
    await Promise.race([stop().then(() => round().catch(failed)), isLate]);
    cancel();
  };
}
