import { PutObjectCommand } from "@aws-sdk/client-s3";
import type { PutCondition } from "../../ports/object-store.ts";
import type { Random } from "../../ports/random.ts";
import { bodyOf } from "./body.ts";
import type { Bucket } from "./bucket.ts";
import { unavailable } from "./calls.ts";
import type { Answer, Calls } from "./calls.ts";
import { checksumOf } from "./checksum.ts";
import { metadataOf, nonceBytes } from "./nonce.ts";
import { putInParts } from "./parts.ts";
import type { Conditions, PartSizes, Stored } from "./parts.ts";
import type { Reads } from "./reads.ts";

export type Put = (
  key: string,
  bytes: Uint8Array,
  condition?: PutCondition,
) => Promise<{ etag: string } | null>;

export function createPut({
  calls,
  bucket,
  reads,
  random,
  partSizes,
}: {
  calls: Calls;
  bucket: Bucket;
  reads: Reads;
  random: Random;
  partSizes: PartSizes;
}): Put {
  /** What became of a put, of which `answer` is the last word. */
  async function outcomeOf(
    answer: Answer<Stored>,
    { key, nonce, isConditional }: { key: string; nonce: string; isConditional: boolean },
  ): Promise<{ etag: string } | null> {
    switch (answer.kind) {
      case "done":
        if (answer.output.ETag === undefined) throw unavailable(new Error("a put without an ETag"));
        return { etag: answer.output.ETag };
      case "failed":
        throw answer.error;
      case "refused": {
        // Ours may be what is in the way, also when no attempt of ours is unaccounted for: others than we may repeat a request.
        const found = await reads.head(key);
        if (found?.nonce === nonce) return { etag: found.etag };
        const isUnmet = answer.refusal === "unmet" || answer.refusal === "absent";
        if (isConditional && isUnmet && !answer.wasUncertain) return null;
        // Ours may have been here and been replaced, or may arrive yet.
        throw unavailable(answer.cause);
      }
    }
  }

  return async (key, bytes, condition) => {
    const nonce = Buffer.from(random.bytes(nonceBytes)).toString("hex");
    const request = {
      ...bucket.targetOf(key),
      ...bucket.encryption,
      Metadata: metadataOf(nonce),
    };
    const conditions = conditionsOf(condition);
    const isConditional = condition !== undefined;
    if (bytes.byteLength > partSizes.fromBytes) {
      return putInParts(calls, request, {
        bytes,
        conditions,
        partSizes,
        outcomeOf: (answer) => outcomeOf(answer, { key, nonce, isConditional }),
      });
    }
    const checksum = await checksumOf(bytes, calls.pause);
    const answer = await calls.run(
      (client, { abortSignal }) =>
        client.send(
          new PutObjectCommand({ ...request, ...conditions, ...bodyOf(bytes, checksum) }),
          { abortSignal },
        ),
      bytes.byteLength,
    );
    return outcomeOf(answer, { key, nonce, isConditional });
  };
}

function conditionsOf(condition: PutCondition | undefined): Conditions {
  if (condition === undefined) return {};
  return "ifAbsent" in condition ? { IfNoneMatch: "*" } : { IfMatch: condition.ifMatch };
}
