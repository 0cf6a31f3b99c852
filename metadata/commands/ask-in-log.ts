import type { Image } from "../image/image.ts";
import { findBroker } from "./broker-ref.ts";
import type { BrokerErrorCode, BrokerRef } from "./broker-ref.ts";
import { accepted, rejected } from "./command.ts";
import type { CommandContext, Decision } from "./command.ts";

/** Metadata level that has questions. */
const levelOfQuestions = 5;

export function hasQuestions({ level }: Image): boolean {
  return level >= levelOfQuestions;
}

export type QuestionRequest = BrokerRef & {
  readonly asked: readonly number[];
  readonly heardCount: number;
  /** As the asker knows the log: under another term there is nothing to ask. */
  readonly controllerEpoch: number;
};

/** Asks brokers in the log whether they are there (replication.md C0, C1). */
export function askInLog(
  image: Image,
  { asked, heardCount, controllerEpoch, ...asker }: QuestionRequest,
  { revision }: Pick<CommandContext, "revision">,
): Decision<null, BrokerErrorCode | "STALE_CONTROLLER_EPOCH" | "UNSUPPORTED_VERSION"> {
  const found = findBroker(image, asker);
  if (found.kind === "rejected") return found;
  if (!hasQuestions(image)) {
    const message = `metadata level ${image.level} knows no questions; ${levelOfQuestions} does`;
    return rejected("UNSUPPORTED_VERSION", message);
  }
  if (image.controller.epoch !== controllerEpoch) {
    const message = `the controller's epoch is ${image.controller.epoch} by now, not ${controllerEpoch}`;
    return rejected("STALE_CONTROLLER_EPOCH", message);
  }
  const { brokerId } = asker;
  const there = asked.filter((id) => image.brokers.has(id));
  if (there.length === 0) return accepted([], null);
  return accepted([{ kind: "question", brokerId, revision, asked: there, heardCount }], null);
}

/** Answers what these brokers have asked, where that still waits for this one. */
export function answerInLog(
  image: Image,
  { askedBy, ...broker }: BrokerRef & { readonly askedBy: readonly number[] },
): Decision<null, BrokerErrorCode> {
  const found = findBroker(image, broker);
  if (found.kind === "rejected") return found;
  const { brokerId } = broker;
  const waiting = askedBy.filter((id) => image.questions.get(id)?.asked.includes(brokerId));
  if (waiting.length === 0) return accepted([], null);
  return accepted([{ kind: "answer", brokerId, askedBy: waiting }], null);
}

/** Whether the question stands in the log as it was asked, and the broker has not answered it. */
export function isAwaited(
  { questions }: Image,
  { askedBy, revision, from }: { askedBy: number; revision: number; from: number },
): boolean {
  const question = questions.get(askedBy);
  return question?.revision === revision && question.asked.includes(from);
}
