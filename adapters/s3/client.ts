import { S3Client } from "@aws-sdk/client-s3";
import type { S3ClientConfig } from "@aws-sdk/client-s3";

export type S3ClientOptions = Pick<
  S3ClientConfig,
  "region" | "endpoint" | "credentials" | "forcePathStyle"
>;

/** Connections. What waits for one uses up its time; the SDK's 50 are few for catch-up reads and uploads together. */
const maxSockets = 128;

/**
 * A client that tries once, for the object store repeats by itself and has to know of every attempt; and that spends no CPU on what the store does
 * or TLS does already.
 */
export function createS3Client(config: S3ClientOptions = {}): S3Client {
  const client = new S3Client({
    ...config,
    maxAttempts: 1,
    // The store sends its own checksums, and asks for those of what it gets whole; the SDK then checks them.
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
    requestHandler: { httpAgent: { maxSockets }, httpsAgent: { maxSockets } },
  });
  client.middlewareStack.add(
    (next) => (args) => {
      // Signed would be the SHA-256 of every byte sent, 0.9 CPU seconds per GiB, for what TLS and the checksum vouch for.
      const { request } = args as { request: { headers: Record<string, string> } };
      request.headers["x-amz-content-sha256"] = "UNSIGNED-PAYLOAD";
      return next(args);
    },
    { step: "build", name: "unsignedPayload", priority: "low" },
  );
  return client;
}
