import { activeIn } from "../image/image.ts";
import type { Image } from "../image/image.ts";
import { noLeader } from "../records/partition.ts";
import type { MetadataRecord } from "../records/table.ts";
import { present } from "./broker-ref.ts";
import type { BrokerRef } from "./broker-ref.ts";
import type { CommandContext, Decision } from "./command.ts";
import { elected, numbered, surroundings } from "./membership.ts";
import { changePartitions, inEntries } from "./partition-changes.ts";
import { rules as allRules } from "./rules.ts";

/**
 * Takes fenced brokers back into service once they have replayed past their fencing (replication.md C1), and lets them lead what has waited for them.
 * They join in-sync sets by AlterPartition, as they catch up.
 */
export function unfenceBrokers(
  image: Image,
  request: { readonly brokers: readonly BrokerRef[] },
  context: Pick<CommandContext, "rules">,
): Decision<{ unfenced: number[] }, never> {
  const returning = present(image, request.brokers);
  const fenced = returning.filter(({ state }) => state === "fenced");
  const first = fenced.map(({ brokerId }): MetadataRecord => {
    return { kind: "brokerState", brokerId, state: "active", isLost: false };
  });
  const { rules = allRules } = context;
  const isActive = activeIn(image);
  const fencedIds = new Set(fenced.map(({ brokerId }) => brokerId));
  const mayLead = (id: number) => fencedIds.has(id) || isActive(id);
  const changes = changePartitions(image, (topic) => {
    const around = surroundings(image, topic, { mayLead, rules });
    return (partition) => {
      if (partition.leader !== noLeader) return partition;
      return numbered(partition, elected(partition, around), { rules });
    };
  });
  return inEntries(image, changes, { result: { unfenced: [...fencedIds] }, first });
}
