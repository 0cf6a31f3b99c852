import { purgeTopics } from "../metadata/commands/delete-topics.ts";
import { MetadataLogError } from "../ports/metadata-log.ts";
import { startPeriodic } from "./periodic.ts";
import type { BrokerServices } from "./services.ts";

/** How often the metadata log is archived (at most this far behind, architecture 3.2), snapshotted and trimmed. */
const everyMs = 10_000;

/** What one broker does for the cell while it runs: it maintains the metadata log, and reports deleted topics whose data is gone. The result stops it. */
export function startHousekeeping(services: BrokerServices): () => Promise<void> {
  const { clock, log, metadata } = services;
  return startPeriodic({
    clock,
    intervalMs: everyMs,
    async round() {
      await reportPurged(services);
      await metadata.maintain();
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

/** A deleted topic is forgotten once no broker can hold data of it: this broker's logs are dropped as it follows the deletion. */
async function reportPurged({ metadata, brokerId }: BrokerServices): Promise<void> {
  const topicIds = [...metadata.image.purgingTopics.values()]
    .filter(({ brokerIds }) => brokerIds.every((each) => each === brokerId))
    .map(({ topicId }) => topicId);
  if (topicIds.length > 0) await metadata.submit((image) => purgeTopics(image, { topicIds }));
}
