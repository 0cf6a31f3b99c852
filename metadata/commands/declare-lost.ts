import type { Image } from "../image/image.ts";
import type { MetadataRecord } from "../records/table.ts";
import { findBroker } from "./broker-ref.ts";
import type { BrokerErrorCode, BrokerRef } from "./broker-ref.ts";
import { awaitedMembers } from "./broker-loss.ts";
import { accepted, rejected } from "./command.ts";
import type { CommandContext, Decision } from "./command.ts";
import { elected, numbered, surroundings, withoutMembers } from "./membership.ts";
import { changePartitions, inEntries } from "./partition-changes.ts";
import { levelOfMoves } from "./recovery.ts";
import { rules as allRules } from "./rules.ts";

/**
 * A fenced broker's disk is gone for good (replication.md C3): an operator says so, or the controller of an ephemeral one. Its replicas are waited for no
 * longer. Should it come back after all, it follows like a new one.
 */
export function declareLost(
  image: Image,
  request: BrokerRef,
  context: Pick<CommandContext, "rules">,
): Decision<null, BrokerErrorCode | "INVALID_REQUEST" | "UNSUPPORTED_VERSION"> {
  const found = findBroker(image, request);
  if (found.kind === "rejected") return found;
  const { brokerId, state, isLost } = found.broker;
  if (image.level < levelOfMoves) {
    return rejected("UNSUPPORTED_VERSION", `metadata level ${image.level} knows no lost brokers`);
  }
  if (state !== "fenced") {
    return rejected("INVALID_REQUEST", `broker ${brokerId} is ${state}: its disk is not lost`);
  }
  if (isLost) return accepted([], null);
  const { rules = allRules } = context;
  const isLeaving = (id: number) => id === brokerId;
  const changes = changePartitions(image, (topic) => {
    const around = surroundings(image, topic, { rules });
    return (partition) => {
      const left = withoutMembers(partition, isLeaving, { around, isUnclean: isLeaving });
      return numbered(partition, elected(left, around), { rules });
    };
  });
  const last: MetadataRecord = { kind: "brokerState", brokerId, state: "fenced", isLost: true };
  return inEntries(image, changes, { result: null, last: [last] });
}

/** Whether a partition without a leader waits for this broker, as a member or as one who may know most. */
export function isWaitedFor(image: Image, brokerId: number): boolean {
  if (image.leaderlessCount === 0) return false;
  for (const { partitions } of image.topics.values()) {
    if (partitions.some((each) => awaitedMembers(each).includes(brokerId))) return true;
  }
  return false;
}
