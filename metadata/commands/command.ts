import type { Image } from "../image/image.ts";
import type { MetadataRecord } from "../records/table.ts";
import type { Rules } from "./rules.ts";

/**
 * A decision about the cell, pure: made on exactly the image it was given, taken back and made again when another writer was faster.
 * It changes nothing itself; replay of its records does.
 */
export type Command<Result, Code extends string = string> = (
  image: Image,
  context: CommandContext,
) => Decision<Result, Code>;

export type CommandContext = {
  readonly nowMs: number;
  /** Revision the records will have if they are accepted. */
  readonly revision: number;
  /** A fresh random id in Kafka's 22-character form. */
  uuid(): string;
  /** The rules of the cell; all of them where nothing is said. Only tests of tests say something. */
  readonly rules?: Rules;
};

export type Decision<Result, Code extends string = string> = Accepted<Result> | Rejection<Code>;

export type Accepted<Result> = {
  readonly kind: "accepted";
  /** One entry's worth; empty if nothing needs to change. */
  readonly records: readonly MetadataRecord[];
  readonly result: Result;
  /** Too much for one entry: append these, then decide again. Every prefix is safe. */
  readonly isIncomplete?: boolean;
};

export type Rejection<Code extends string = string> = {
  readonly kind: "rejected";
  readonly error: Code;
  readonly message: string;
  /** The request's field that is wrong, in the HTTP API's words (`partitions_count`), where one is to blame. */
  readonly field?: string;
};

export function accepted<Result>(
  records: readonly MetadataRecord[],
  result: Result,
): Accepted<Result> {
  return { kind: "accepted", records, result };
}

export function rejected<Code extends string>(
  error: Code,
  message: string,
  field?: string,
): Rejection<Code> {
  return field === undefined
    ? { kind: "rejected", error, message }
    : { kind: "rejected", error, message, field };
}
