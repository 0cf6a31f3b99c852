// The object store of a cell in AWS (docs/decisions: "The object store on S3").
import { DeleteObjectCommand } from "@aws-sdk/client-s3";
import type { Clock } from "../../ports/clock.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import type { Random } from "../../ports/random.ts";
import { bucketOf } from "./bucket.ts";
import { createCalls, unavailable } from "./calls.ts";
import type { S3 } from "./calls.ts";
import type { PartSizes } from "./parts.ts";
import { createPut } from "./puts.ts";
import { createReads } from "./reads.ts";

export type S3ObjectStoreOptions = {
  /** Stays open: it is the caller's. */
  client: S3;
  clock: Clock;
  /** Tells puts apart, so it must differ from process to process. */
  random: Random;
  /** Of general purpose; directory buckets (S3 Express) list their keys in no order. */
  bucket: string;
  /** The keys lie under it, parted from it by a "/". */
  prefix?: string;
  /** New objects are encrypted with it (SSE-KMS); without one as the bucket has it. */
  kmsKeyId?: string;
  partSizes?: PartSizes;
};

/**
 * A segment of a topic (64 MiB) is one PUT: in parts it would cost six requests for one and gain nothing, for many are under way at a time. What is
 * larger is repeated by the part.
 */
const defaultPartSizes: PartSizes = {
  fromBytes: 128 * 1024 * 1024,
  partBytes: 32 * 1024 * 1024,
};

/** The bytes of a put are lent until it settles. */
export function createS3ObjectStore(options: S3ObjectStoreOptions): ObjectStore {
  const { client, clock, random, kmsKeyId, partSizes = defaultPartSizes } = options;
  const bucket = bucketOf({ name: options.bucket, prefix: options.prefix ?? "", kmsKeyId });
  const calls = createCalls({ client, clock, random });
  const reads = createReads(calls, bucket);
  return {
    put: createPut({ calls, bucket, reads, random, partSizes }),
    get: reads.get,
    async head(key) {
      const found = await reads.head(key);
      return found === null ? null : { etag: found.etag, sizeBytes: found.sizeBytes };
    },
    list: reads.list,
    async delete(key) {
      const target = bucket.targetOf(key);
      const answer = await calls.run((s3, { abortSignal }) =>
        s3.send(new DeleteObjectCommand(target), { abortSignal }),
      );
      if (answer.kind === "failed") throw answer.error;
      if (answer.kind === "refused" && answer.refusal !== "absent") throw unavailable(answer.cause);
    },
  };
}
