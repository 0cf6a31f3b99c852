import type { Broker, Image } from "../image/image.ts";
import type { MetadataRecord } from "../records/table.ts";
import { activeIn } from "../image/image.ts";
import { present } from "./broker-ref.ts";
import type { BrokerRef } from "./broker-ref.ts";
import type { CommandContext, Decision } from "./command.ts";
import { elected, numbered, surroundings, withoutMembers } from "./membership.ts";
import { changePartitions, inEntries, noChanges } from "./partition-changes.ts";
import type { FittingChanges } from "./partition-changes.ts";
import { rules as allRules } from "./rules.ts";
import type { Rules } from "./rules.ts";

/**
 * Takes brokers out of service (replication.md C1): out of every in-sync set, to the eligible ones where too few stay, and others lead. A whole zone is
 * one decision. Where that does not fit one entry the brokers are fenced with the last, and drain until then.
 */
export function fenceBrokers(
  image: Image,
  request: { readonly brokers: readonly BrokerRef[] },
  context: Pick<CommandContext, "rules">,
): Decision<{ fenced: number[] }, never> {
  const leaving = present(image, request.brokers).filter(({ state }) => state !== "fenced");
  const ids = new Set(leaving.map(({ brokerId }) => brokerId));
  const changes = partitionsWithout(image, ids, context.rules ?? allRules);
  const first = changes.areAll ? [] : leaving.flatMap(drainingRecords);
  const last = fenceRecords(image, leaving);
  return inEntries(image, changes, { result: { fenced: [...ids] }, first, last });
}

/**
 * Between the parts of a fence nobody leaves whom a leader has back by the next: a broker that this controller cannot hear may well go on fetching, and
 * the fence would begin anew with each part, for ever. One that drains is not added to any set.
 */
export function drainingRecords({ brokerId, state, isLost }: Broker): MetadataRecord[] {
  return state === "active" ? [{ kind: "brokerState", brokerId, state: "draining", isLost }] : [];
}

/** What the partitions become without these brokers, whose data is as good as when they left. */
export function partitionsWithout(
  image: Image,
  ids: ReadonlySet<number>,
  rules: Rules,
): FittingChanges {
  if (ids.size === 0) return noChanges;
  const isActive = activeIn(image);
  const isLeaving = (id: number) => ids.has(id);
  const mayLead = (id: number) => !ids.has(id) && isActive(id);
  return changePartitions(image, (topic) => {
    const around = surroundings(image, topic, { mayLead, rules });
    return (partition) => {
      if (!partition.isr.some(isLeaving)) return partition;
      // What is eligible already stays so: it is of no importance there whether a broker answers.
      const isLeavingIsr = (id: number) => isLeaving(id) && partition.isr.includes(id);
      const left = withoutMembers(partition, isLeavingIsr, { around });
      return numbered(partition, elected(left, around), { rules });
    };
  });
}

function fenceRecords(image: Image, leaving: readonly Broker[]): MetadataRecord[] {
  const records = leaving.map(fencedRecord);
  const { controller } = image;
  // A controller that goes leaves the office to whoever is first (C0).
  if (leaving.some(({ brokerId }) => brokerId === controller.brokerId)) {
    records.unshift({ kind: "controller", brokerId: null, epoch: controller.epoch });
  }
  return records;
}

export function fencedRecord({ brokerId, isLost }: Broker): MetadataRecord {
  return { kind: "brokerState", brokerId, state: "fenced", isLost };
}
