import { MetadataLogError } from "../ports/metadata-log.ts";
import { startPeriodic } from "./periodic.ts";
import type { BrokerServices } from "./services.ts";

/** How often the metadata log is archived (at most this far behind, architecture 3.2), snapshotted and trimmed. */
const everyMs = 10_000;

/** What the controller's broker does for the cell beside deciding: it maintains the metadata log. The result stops it. */
export function startHousekeeping(services: BrokerServices): () => Promise<void> {
  const { clock, log, metadata, brokerId } = services;
  return startPeriodic({
    clock,
    intervalMs: everyMs,
    async round() {
      if (metadata.image.controller.brokerId === brokerId) await metadata.maintain();
    },
    failed(error) {
      const reason =
        error instanceof MetadataLogError ? "the metadata log does not answer" : "it failed";
      log.warn("the metadata log could not be maintained; it is tried again", {
        reason,
        error: String(error),
      });
    },
  });
}
