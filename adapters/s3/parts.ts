import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import type { CompletedPart, CreateMultipartUploadCommandInput } from "@aws-sdk/client-s3";
import { unavailable } from "./calls.ts";
import type { Answer, Calls } from "./calls.ts";
import { checksumOf } from "./checksum.ts";
import { bodyOf } from "./body.ts";

export type PartSizes = {
  /** Objects of more bytes go in parts. */
  readonly fromBytes: number;
  /** At least 5 MiB, S3's limit. */
  readonly partBytes: number;
};

export type Conditions = { IfNoneMatch?: "*"; IfMatch?: string };

export type Stored = { ETag?: string | undefined };

type Upload = { Bucket: string; Key: string; UploadId: string };

/** S3 makes the checksum of the object out of those of the parts, so that a read of the whole can be checked. */
const ChecksumType = "FULL_OBJECT" as const;

/** S3's limit. */
const maxParts = 10_000;
/** Of one object. More would hold up the requests of others for connections. */
const partsAtATime = 4;

/**
 * The object appears, with its condition checked, when the upload is completed. What has not become an object is aborted, for its parts are billed
 * until then; the bucket's lifecycle rule takes what even that did not reach.
 */
export async function putInParts<Outcome>(
  calls: Calls,
  request: CreateMultipartUploadCommandInput & { Bucket: string; Key: string },
  {
    bytes,
    conditions,
    partSizes,
    outcomeOf,
  }: {
    bytes: Uint8Array;
    conditions: Conditions;
    partSizes: PartSizes;
    outcomeOf: (answer: Answer<Stored>) => Promise<Outcome | null>;
  },
): Promise<Outcome | null> {
  const upload = await create(calls, request);
  let outcome: Outcome | null = null;
  try {
    const parts = await uploadParts(calls, upload, slicesOf(bytes, partSizes.partBytes));
    const command = {
      ...upload,
      ...conditions,
      ChecksumType,
      MpuObjectSize: bytes.byteLength,
      MultipartUpload: { Parts: parts },
    };
    const answer = await calls.run<Stored>((client, { abortSignal }) =>
      client.send(new CompleteMultipartUploadCommand(command), { abortSignal }),
    );
    outcome = await outcomeOf(answer);
  } finally {
    if (outcome === null) await abort(calls, upload);
  }
  return outcome;
}

async function create(
  calls: Calls,
  request: CreateMultipartUploadCommandInput & { Bucket: string; Key: string },
): Promise<Upload> {
  const command = {
    ...request,
    ChecksumAlgorithm: "CRC32" as const,
    ChecksumType,
  };
  const { UploadId } = await calls.complete((client, { abortSignal }) =>
    client.send(new CreateMultipartUploadCommand(command), { abortSignal }),
  );
  if (UploadId === undefined) throw unavailable(new Error("an upload without an id"));
  return { Bucket: request.Bucket, Key: request.Key, UploadId };
}

/** Settles when nothing of it is under way any more, so that an abort finds every part. */
async function uploadParts(
  calls: Calls,
  upload: Upload,
  slices: readonly Uint8Array[],
): Promise<CompletedPart[]> {
  const parts: CompletedPart[] = [];
  let next = 0;
  let isFailed = false;
  async function worker(): Promise<void> {
    while (next < slices.length && !isFailed) {
      const index = next++;
      try {
        parts[index] = await uploadPart(calls, upload, {
          PartNumber: index + 1,
          bytes: slices[index] ?? new Uint8Array(0),
        });
      } catch (error) {
        isFailed = true;
        throw error;
      }
    }
  }
  const workers = Array.from({ length: partsAtATime }, worker);
  for (const result of await Promise.allSettled(workers)) {
    if (result.status === "rejected") throw result.reason;
  }
  return parts;
}

async function uploadPart(
  calls: Calls,
  upload: Upload,
  { PartNumber, bytes }: { PartNumber: number; bytes: Uint8Array },
): Promise<CompletedPart> {
  const checksum = await checksumOf(bytes, calls.pause);
  const { ETag } = await calls.complete(
    (client, { abortSignal }) =>
      client.send(new UploadPartCommand({ ...upload, PartNumber, ...bodyOf(bytes, checksum) }), {
        abortSignal,
      }),
    bytes.byteLength,
  );
  if (ETag === undefined) throw unavailable(new Error("a part without an ETag"));
  return { ETag, PartNumber, ChecksumCRC32: checksum };
}

/** Best effort: what stopped the upload may stop this too. */
async function abort(calls: Calls, upload: Upload): Promise<void> {
  await calls.run((client, { abortSignal }) =>
    client.send(new AbortMultipartUploadCommand(upload), { abortSignal }),
  );
}

function slicesOf(bytes: Uint8Array, partBytes: number): Uint8Array[] {
  const sizeBytes = Math.max(partBytes, Math.ceil(bytes.byteLength / maxParts));
  const count = Math.ceil(bytes.byteLength / sizeBytes);
  return Array.from({ length: count }, (_, index) =>
    bytes.subarray(index * sizeBytes, (index + 1) * sizeBytes),
  );
}
