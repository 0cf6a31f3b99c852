import type { Image } from "../image/image.ts";
import type { MetadataRecord } from "../records/table.ts";
import { findBroker } from "./broker-ref.ts";
import type { BrokerErrorCode, BrokerRef } from "./broker-ref.ts";
import type { ControllerTerm } from "./by-controller.ts";
import { isAwaited } from "./ask-in-log.ts";
import { accepted, rejected } from "./command.ts";
import type { CommandContext, Decision } from "./command.ts";
import { drainingRecords, fencedRecord, partitionsWithout } from "./fence-brokers.ts";
import { inEntries } from "./partition-changes.ts";
import { rules as allRules } from "./rules.ts";

export type TakeOverRequest = BrokerRef & {
  /** The controller that was missed, as the log had it. */
  readonly missed: { readonly brokerId: number | null; readonly epoch: number };
  /** Of the question that the missed controller has not answered: nobody else has seen that it is missed. */
  readonly question?: number | undefined;
};

/**
 * Makes the broker controller (replication.md C0), unless another was faster. The one it replaces is fenced with it: whether it is dead or only unheard,
 * it must not be counted on. Where that takes several entries the office comes first: none but the controller may fence.
 */
export function takeOver(
  image: Image,
  { missed, question, ...candidate }: TakeOverRequest,
  context: Pick<CommandContext, "rules">,
): Decision<ControllerTerm, BrokerErrorCode | "STALE_CONTROLLER_EPOCH" | "QUESTION_ANSWERED"> {
  const { brokerId } = candidate;
  const found = findBroker(image, candidate);
  if (found.kind === "rejected") return found;
  const term = { brokerId, epoch: missed.epoch + 1 };
  const { controller } = image;
  const isTaken = controller.brokerId === brokerId && controller.epoch === term.epoch;
  const isMissing = controller.brokerId === missed.brokerId && controller.epoch === missed.epoch;
  if (!isTaken && !isMissing) {
    return rejected(
      "STALE_CONTROLLER_EPOCH",
      `the controller is broker ${controller.brokerId ?? "none"} in epoch ${controller.epoch} by now`,
    );
  }
  if (isMissing && question !== undefined && missed.brokerId !== null) {
    const asked = { askedBy: brokerId, revision: question, from: missed.brokerId };
    if (!isAwaited(image, asked)) {
      return rejected("QUESTION_ANSWERED", `broker ${missed.brokerId} has shown itself in the log`);
    }
  }
  const first: MetadataRecord[] = isTaken ? [] : [{ kind: "controller", ...term }];
  const replaced = missed.brokerId === null ? undefined : image.brokers.get(missed.brokerId);
  if (replaced === undefined || replaced.state === "fenced" || replaced.brokerId === brokerId) {
    return accepted(first, term);
  }
  const ids = new Set([replaced.brokerId]);
  const changes = partitionsWithout(image, ids, context.rules ?? allRules);
  if (!changes.areAll) first.push(...drainingRecords(replaced));
  return inEntries(image, changes, { result: term, first, last: [fencedRecord(replaced)] });
}
