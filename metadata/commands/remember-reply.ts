import { idempotencyKeyId } from "../image/image.ts";
import type { Image } from "../image/image.ts";
import { limits } from "../limits.ts";
import type { MetadataRecord } from "../records/table.ts";
import { accepted, rejected } from "./command.ts";
import type { Command, CommandContext, Decision } from "./command.ts";

export type IdempotencyErrorCode = "IDEMPOTENCY_KEY_REUSED" | "IDEMPOTENCY_KEY_INVALID";

export type RememberRequest<Result> = {
  /** Whose key: different callers or resources may use the same one. */
  readonly scope: string;
  readonly key: string;
  /** Of everything that makes the request what it is: a key that comes with another hash is refused. */
  readonly requestHash: string;
  /** The reply to store and to give again, as the caller wants to find it. */
  reply(result: Result): string;
};

export type Remembered = {
  readonly reply: string;
  /** The change was made by an earlier request with this key. */
  readonly isReplayed: boolean;
};

/** The command, made at most once per key: key and reply are stored in the entry of the change itself. Rejections are not stored. */
export function rememberReply<Result, Code extends string>(
  request: RememberRequest<Result>,
  command: Command<Result, Code>,
): Command<Remembered, Code | IdempotencyErrorCode> {
  return (image, context) => {
    const { scope, key, requestHash } = request;
    if (key.length === 0 || key.length > limits.idempotencyKeyLength) {
      return rejected(
        "IDEMPOTENCY_KEY_INVALID",
        `the Idempotency-Key has ${key.length} characters; it may have 1 to ${limits.idempotencyKeyLength}`,
      );
    }
    const known = image.idempotencyKeys.get(idempotencyKeyId(scope, key));
    const isFresh =
      known !== undefined && known.createdAtMs > context.nowMs - limits.idempotencyRetentionMs;
    if (isFresh) {
      if (known.requestHash === requestHash) {
        return accepted([], { reply: known.reply, isReplayed: true });
      }
      return rejected(
        "IDEMPOTENCY_KEY_REUSED",
        "this Idempotency-Key was used for another request",
      );
    }
    const decision = command(image, context);
    if (decision.kind === "rejected") return decision;
    const reply = request.reply(decision.result);
    const result = { reply, isReplayed: false };
    // The key belongs to the entry that completes the change: an unfinished one is simply continued by the retry.
    if (decision.isIncomplete === true || reply.length > limits.idempotencyReplyBytes) {
      return { ...decision, result };
    }
    const createdAtMs = context.nowMs;
    return accepted(
      [
        ...makeRoom(image, scope.length + key.length + reply.length),
        ...decision.records,
        { kind: "idempotencyKey", scope, key, requestHash, reply, createdAtMs },
      ],
      result,
    );
  };
}

/** Bounded in count and bytes: the oldest keys go first. */
function makeRoom(image: Image, neededBytes: number): MetadataRecord[] {
  let count = image.idempotencyKeys.size;
  let bytes = image.idempotencyBytes + neededBytes;
  const keys: { scope: string; key: string }[] = [];
  for (const { scope, key, reply } of image.idempotencyKeys.values()) {
    if (count < limits.idempotencyKeys && bytes <= limits.idempotencyBytes) break;
    keys.push({ scope, key });
    count -= 1;
    bytes -= scope.length + key.length + reply.length;
  }
  return keys.length === 0 ? [] : [{ kind: "idempotencyExpired", keys }];
}

/** Of scopes and keys in one entry: what clients draw at random hardly compresses. */
const charactersExpiredPerEntry = 100_000;

/** Drops keys older than a day, as many as one entry names. Whoever maintains the log runs it now and then. */
export function expireIdempotencyKeys(
  image: Image,
  context: CommandContext,
): Decision<{ expiredCount: number }, never> {
  const oldest = context.nowMs - limits.idempotencyRetentionMs;
  const keys: { scope: string; key: string }[] = [];
  let characterCount = 0;
  for (const { scope, key, createdAtMs } of image.idempotencyKeys.values()) {
    if (characterCount >= charactersExpiredPerEntry) break;
    if (createdAtMs > oldest) continue;
    keys.push({ scope, key });
    characterCount += scope.length + key.length;
  }
  const records: MetadataRecord[] = keys.length === 0 ? [] : [{ kind: "idempotencyExpired", keys }];
  return accepted(records, { expiredCount: keys.length });
}
