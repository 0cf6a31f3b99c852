import type { PartitionsHealth } from "../../metadata/health/partition-health.ts";
import { partitionsHealth } from "../../metadata/health/partition-health.ts";
import type { Image } from "../../metadata/image/image.ts";
import type { Clock } from "../../ports/clock.ts";
import { notReady } from "../http/readiness.ts";
import type { LogOutput } from "../log-output.ts";

export type DeploymentGateOptions = {
  readonly image: Image;
  readonly brokerId: number;
  readonly clock: Clock;
  /** From now on, after which it opens whatever is missing. */
  readonly limitMs: number;
  readonly log: LogOutput;
};

/**
 * Says why ECS should not take this broker for healthy yet. A deployment takes away the brokers of one zone after the other, and with each of them its disk:
 * it may go on when the copies that went with the last one are made anew. So the gate is closed until this broker is in service and nothing in the cell
 * lacks a copy. Once open it stays so: a broker is not ended for what others lack, nor one that has run into the limit (`limitMs`) while it copies, for
 * its successor would begin with nothing. What is then held by one broker alone its task protection keeps (task-protection.ts).
 */
export function createDeploymentGate(options: DeploymentGateOptions): () => string | null {
  const { image, brokerId, clock, limitMs, log } = options;
  const startMs = clock.monotonicMs();
  let isOpen = false;
  return () => {
    if (isOpen) return null;
    const reason = notReady(image.brokers.get(brokerId)?.state) ?? missing(partitionsHealth(image));
    isOpen = reason === null;
    if (reason === null) {
      log.info("in service, and every copy is there: deployments may go on");
      return null;
    }
    if (clock.monotonicMs() - startMs < limitMs) return reason;
    isOpen = true;
    log.warn("deployments may go on although not every copy is there", { reason });
    return null;
  };
}

function missing({ counts }: PartitionsHealth): string | null {
  if (counts.offline > 0) return `${counts.offline} partitions of the cell have no leader`;
  if (counts.under_replicated > 0)
    return `${counts.under_replicated} partitions of the cell lack a copy`;
  return null;
}
