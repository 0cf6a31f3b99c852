import { assertObjectKey } from "../object-key.ts";
import { ObjectStoreError } from "../../ports/object-store.ts";

/** A place in a bucket, and what every call to it carries. */
export type Bucket = {
  readonly name: string;
  /** Where a key of the store's lies. Throws `invalid`. */
  targetOf(key: string): { Bucket: string; Key: string };
  /** What all keys of the store begin with: empty, or ending in "/". */
  readonly prefix: string;
  /** How new objects are encrypted. */
  readonly encryption: {
    ServerSideEncryption?: "aws:kms";
    SSEKMSKeyId?: string;
    BucketKeyEnabled?: boolean;
  };
};

export type BucketOptions = { name: string; prefix: string; kmsKeyId: string | undefined };

export function bucketOf({ name, prefix, kmsKeyId }: BucketOptions): Bucket {
  if (name.endsWith("--x-s3")) {
    const why = "is a directory bucket (S3 Express), which lists its keys in no order";
    throw new ObjectStoreError("invalid", `the bucket ${name} ${why}`);
  }
  if (prefix !== "") assertObjectKey(prefix);
  const root = prefix === "" ? "" : `${prefix}/`;
  return {
    name,
    prefix: root,
    targetOf(key) {
      assertObjectKey(key);
      const whole = `${root}${key}`;
      assertObjectKey(whole);
      return { Bucket: name, Key: whole };
    },
    // One data key of the bucket serves many objects: without it every call to S3 is one to KMS.
    encryption:
      kmsKeyId === undefined
        ? {}
        : { ServerSideEncryption: "aws:kms", SSEKMSKeyId: kmsKeyId, BucketKeyEnabled: true },
  };
}
