import type { Command } from "../../metadata/commands/command.ts";
import type { ErrorName } from "../../protocol/errors.ts";
import { errorCodes } from "../../protocol/errors.ts";
import { MetadataLogError } from "../../ports/metadata-log.ts";
import type { BrokerServices } from "../services.ts";

/** What became of an item of an admin request, in the words of a response. */
export type ItemError = { errorCode: number; errorMessage: string | null };

export const noError: ItemError = { errorCode: errorCodes.NONE, errorMessage: null };

export type Submitted<Result> =
  | { kind: "done"; result: Result; revision: number }
  | { kind: "refused"; error: ItemError };

type ItemOutcome = { kind: "done" } | { kind: "rejected"; error: ErrorName; message: string };

/** Appends a command's decision to the metadata log; by the time it resolves, this broker has applied it. */
export async function submit<Result>(
  services: BrokerServices,
  command: Command<Result, ErrorName>,
): Promise<Submitted<Result>> {
  try {
    const outcome = await services.metadata.submit(command);
    if (outcome.kind === "accepted")
      return { kind: "done", result: outcome.result, revision: outcome.revision };
    return {
      kind: "refused",
      error: { errorCode: errorCodes[outcome.error], errorMessage: outcome.message },
    };
  } catch (error) {
    if (!(error instanceof MetadataLogError)) throw error;
    if (error.code === "tooLarge") {
      const errorMessage = `${error.message}; ask for less at once`;
      return { kind: "refused", error: { errorCode: errorCodes.POLICY_VIOLATION, errorMessage } };
    }
    // Retriable: the client asks again, and a topic that was created after all answers TOPIC_ALREADY_EXISTS, as in Kafka.
    return {
      kind: "refused",
      error: { errorCode: errorCodes.REQUEST_TIMED_OUT, errorMessage: error.message },
    };
  }
}

/** No longer than this, whatever the client would wait: a broker that hangs is fenced a few seconds later. */
const maxSeenWaitMs = 3_000;

/** Brokers in service have seen the change, or the time is over: then they see it in a moment, and clients that ask them before that ask again. */
export async function seenByAll<Result>(
  { cell, log }: BrokerServices,
  submitted: Submitted<Result>,
  timeoutMs: number,
): Promise<void> {
  if (submitted.kind === "refused") return;
  const { revision } = submitted;
  const limitMs = Math.min(Math.max(0, timeoutMs), maxSeenWaitMs);
  if (await cell.whenWithAll(revision, limitMs)) return;
  log.debug("not every broker has seen a change in time", { revision, limitMs });
}

/** Before a topic is called unknown the log's head is read: it may have been created over HTTP a moment ago (architecture 5). */
export async function lookForUnknown({ metadata, log }: BrokerServices): Promise<void> {
  try {
    await metadata.readForUnknownTopic();
  } catch (error) {
    if (!(error instanceof MetadataLogError)) throw error;
    // Nobody can say whether the topic exists; "unknown" is retriable, so the client asks again.
    log.warn("an unknown topic was asked for and the metadata log does not answer", {
      error: error.message,
    });
  }
}

export function itemError(outcome: ItemOutcome): ItemError {
  return outcome.kind === "done"
    ? noError
    : { errorCode: errorCodes[outcome.error], errorMessage: outcome.message };
}

/** One error per item where the whole command was refused. */
export function errorOfItem<Outcome extends ItemOutcome>(
  submitted: Submitted<readonly Outcome[]>,
  index: number,
): ItemError {
  if (submitted.kind === "refused") return submitted.error;
  const outcome = submitted.result[index];
  return outcome === undefined
    ? { errorCode: errorCodes.UNKNOWN_SERVER_ERROR, errorMessage: null }
    : itemError(outcome);
}
