import type { Base, ClusterMetadata } from "@platformatic/kafka";
import type { MyelinError } from "../errors.ts";
import { toMyelinError } from "../errors.ts";

type Client = Pick<Base, "metadata">;

/** A topic made a moment ago may not be known everywhere yet; one that is not there shall be heard of soon. */
const attemptsForUnknown = 4;
const pauseMs = 100;

/**
 * Where the topics' partitions are. Rejects with MyelinError: `UNKNOWN_TOPIC_OR_PARTITION` within half a second or so, whatever the client's patience
 * with connections is.
 */
export async function topicMetadata(
  client: Client,
  topics: readonly string[],
  { retries = 8, forceUpdate = false }: { retries?: number; forceUpdate?: boolean } = {},
): Promise<ClusterMetadata> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await client.metadata({ topics: [...topics], forceUpdate, retries: 0 });
    } catch (error) {
      const failure = toMyelinError(error, `Topic ${topics.join(", ")} cannot be found`);
      if (attempt > limitFor(failure, retries)) throw failure;
    }
    await new Promise((resolve) => setTimeout(resolve, Math.min(2_000, pauseMs * attempt ** 2)));
  }
}

function limitFor({ code, retriable }: MyelinError, retries: number): number {
  if (code === "UNKNOWN_TOPIC_OR_PARTITION") return Math.min(attemptsForUnknown - 1, retries);
  return retriable ? retries : 0;
}
