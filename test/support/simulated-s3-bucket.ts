import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { crc32 } from "node:zlib";
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3ServiceException,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import type {
  CompleteMultipartUploadCommandInput,
  GetObjectCommandInput,
  ListObjectsV2CommandInput,
  PutObjectCommandInput,
  UploadPartCommandInput,
} from "@aws-sdk/client-s3";
import { compareKeys } from "../../adapters/object-key.ts";

export type SimulatedObject = {
  readonly bytes: Uint8Array;
  readonly etag: string;
  readonly metadata: Record<string, string>;
};

type Upload = { key: string; metadata: Record<string, string>; parts: Map<number, Uint8Array> };

/** A bucket that knows the calls of the object store, each done at once and whole. */
export type SimulatedBucket = {
  readonly objects: Map<string, SimulatedObject>;
  /** Multipart uploads that were neither completed nor aborted. */
  readonly uploads: Map<string, Upload>;
  /** What came to be under a key (null: nothing, any more), as it happens. */
  onChange: (key: string, object: SimulatedObject | null) => void;
  /** `body`: the bytes of a PUT. */
  execute(command: unknown, body?: Uint8Array): object;
};

export type SimulatedBucketOptions = { name: string; maxListed: number };

export function createSimulatedBucket({
  name,
  maxListed,
}: SimulatedBucketOptions): SimulatedBucket {
  const objects = new Map<string, SimulatedObject>();
  const uploads = new Map<string, Upload>();
  let uploadCount = 0;
  const bucket: SimulatedBucket = { objects, uploads, onChange: () => undefined, execute };

  function store(
    input: PutObjectCommandInput | CompleteMultipartUploadCommandInput,
    object: SimulatedObject,
  ): void {
    const key = input.Key ?? "";
    const current = objects.get(key);
    if (input.IfNoneMatch === "*" && current !== undefined) throw unmet();
    if (input.IfMatch !== undefined) {
      if (current === undefined) throw s3Error("NoSuchKey", 404);
      if (current.etag !== input.IfMatch) throw unmet();
    }
    objects.set(key, object);
    bucket.onChange(key, object);
  }

  function put(input: PutObjectCommandInput, bytes: Uint8Array): object {
    assertDigest(input.ChecksumCRC32, bytes);
    const etag = `"${md5(bytes)}"`;
    store(input, { bytes, etag, metadata: input.Metadata ?? {} });
    return { ETag: etag };
  }

  function uploadOf(id: string | undefined): Upload {
    const upload = uploads.get(id ?? "");
    if (upload === undefined) throw s3Error("NoSuchUpload", 404);
    return upload;
  }

  function putPart(input: UploadPartCommandInput, bytes: Uint8Array): object {
    assertDigest(input.ChecksumCRC32, bytes);
    uploadOf(input.UploadId).parts.set(input.PartNumber ?? 0, bytes);
    return { ETag: `"${md5(bytes)}"` };
  }

  function complete(input: CompleteMultipartUploadCommandInput): object {
    const { parts, metadata } = uploadOf(input.UploadId);
    const listed = (input.MultipartUpload?.Parts ?? []).map(({ PartNumber = 0, ETag }) => {
      const bytes = parts.get(PartNumber);
      if (bytes === undefined || ETag !== `"${md5(bytes)}"`) throw s3Error("InvalidPart", 400);
      return bytes;
    });
    const bytes = Uint8Array.from(Buffer.concat(listed));
    const etag = `"${md5(bytes)}-${listed.length}"`;
    store(input, { bytes, etag, metadata });
    uploads.delete(input.UploadId ?? "");
    return { ETag: etag };
  }

  function get(input: GetObjectCommandInput): object {
    const object = objects.get(input.Key ?? "");
    if (object === undefined) throw s3Error("NoSuchKey", 404);
    const { bytes, etag } = object;
    const range = /^bytes=(\d+)-(\d+)$/.exec(input.Range ?? "");
    if (range === null) return bodyOf(bytes, etag);
    const [start, last] = [Number(range[1]), Number(range[2])];
    if (start >= bytes.byteLength || last < start) throw s3Error("InvalidRange", 416);
    const part = bytes.slice(start, last + 1);
    const end = start + part.byteLength - 1;
    return { ...bodyOf(part, etag), ContentRange: `bytes ${start}-${end}/${bytes.byteLength}` };
  }

  function head(key: string | undefined): object {
    const object = objects.get(key ?? "");
    if (object === undefined) throw s3Error("NotFound", 404);
    return { ETag: object.etag, ContentLength: object.bytes.byteLength, Metadata: object.metadata };
  }

  function list(input: ListObjectsV2CommandInput): object {
    const after = input.ContinuationToken ?? input.StartAfter ?? "";
    const found = [...objects.keys()]
      .filter((key) => key.startsWith(input.Prefix ?? "") && compareKeys(key, after) > 0)
      .toSorted(compareKeys);
    const page = found.slice(0, Math.min(maxListed, input.MaxKeys ?? maxListed));
    const encode = (key: string): string =>
      encodeURIComponent(key).replaceAll("%20", "+").replaceAll("%2F", "/");
    return {
      Contents: page.map((key) => ({
        Key: input.EncodingType === "url" ? encode(key) : key,
        Size: objects.get(key)?.bytes.byteLength,
      })),
      EncodingType: input.EncodingType,
      IsTruncated: page.length < found.length,
      NextContinuationToken: page.length < found.length ? page.at(-1) : undefined,
    };
  }

  function remove(key = ""): object {
    if (objects.delete(key)) bucket.onChange(key, null);
    return {};
  }

  function execute(command: unknown, body = new Uint8Array(0)): object {
    const { input } = command as { input: { Bucket?: string } };
    if (input.Bucket !== name) throw s3Error("NoSuchBucket", 404);
    if (command instanceof PutObjectCommand) return put(command.input, body);
    if (command instanceof GetObjectCommand) return get(command.input);
    if (command instanceof HeadObjectCommand) return head(command.input.Key);
    if (command instanceof ListObjectsV2Command) return list(command.input);
    if (command instanceof DeleteObjectCommand) return remove(command.input.Key);
    if (command instanceof UploadPartCommand) return putPart(command.input, body);
    if (command instanceof CompleteMultipartUploadCommand) return complete(command.input);
    if (command instanceof CreateMultipartUploadCommand) {
      const { Key: key = "", Metadata: metadata = {} } = command.input;
      const UploadId = `upload-${++uploadCount}`;
      uploads.set(UploadId, { key, metadata, parts: new Map() });
      return { UploadId };
    }
    if (command instanceof AbortMultipartUploadCommand) {
      uploadOf(command.input.UploadId);
      uploads.delete(command.input.UploadId ?? "");
      return {};
    }
    throw new Error("a command that nobody has taught the simulated bucket");
  }

  return bucket;
}

export function s3Error(name: string, status: number): S3ServiceException {
  return new S3ServiceException({
    name,
    $fault: status < 500 ? "client" : "server",
    $metadata: { httpStatusCode: status },
    message: `simulated ${name}`,
  });
}

function unmet(): S3ServiceException {
  return s3Error("PreconditionFailed", 412);
}

function bodyOf(bytes: Uint8Array, etag: string): object {
  return { ETag: etag, ContentLength: bytes.byteLength, Body: Readable.from(chunksOf(bytes)) };
}

export function* chunksOf(bytes: Uint8Array): Generator<Uint8Array> {
  const chunkBytes = Math.max(1, Math.ceil(bytes.byteLength / 3));
  for (let offset = 0; offset < bytes.byteLength; offset += chunkBytes) {
    yield bytes.slice(offset, offset + chunkBytes);
  }
}

function assertDigest(checksum: string | undefined, bytes: Uint8Array): void {
  const digest = Buffer.alloc(4);
  digest.writeUInt32BE(crc32(bytes));
  if (checksum !== digest.toString("base64")) throw s3Error("BadDigest", 400);
}

/** As S3 makes ETags: the same bytes have the same one. */
function md5(bytes: Uint8Array): string {
  return createHash("md5").update(bytes).digest("hex");
}
