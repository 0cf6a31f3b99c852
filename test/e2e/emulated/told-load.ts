import { PutObjectCommand } from "@aws-sdk/client-s3";
import type { S3Client } from "@aws-sdk/client-s3";
import { encodeLoadReport, loadKey, maxLoadSamples } from "../../../metadata/load/load-report.ts";
import type { Myelin } from "../../../sdk/src/myelin.ts";

const rates = {
  busy: {
    bytesInPerSecond: 1_000_000,
    bytesOutPerSecond: 3_000_000,
    clientBytesPerSecond: 2_000_000,
    busyShare: 0.95,
  },
  quiet: {
    bytesInPerSecond: 1_000,
    bytesOutPerSecond: 3_000,
    clientBytesPerSecond: 2_000,
    busyShare: 0.02,
  },
};

export type LoadTelling = {
  readonly s3: S3Client;
  readonly bucket: string | undefined;
  readonly cell: string;
  readonly myelin: Myelin;
};

/** Reports of all brokers in service, as they would be after a quarter of an hour like that. Until they tell their own, once a minute. */
export async function tellLoad(
  { s3, bucket, cell, myelin }: LoadTelling,
  kind: keyof typeof rates,
): Promise<void> {
  const sample = { atMs: Date.now(), seconds: 60, connectionCount: 100, ...rates[kind] };
  const samples = Array.from({ length: maxLoadSamples }, () => sample);
  const { brokers } = await myelin.cell.status();
  const told = brokers.flatMap(({ id, zone, state }) =>
    state === "fenced"
      ? []
      : new PutObjectCommand({
          Bucket: bucket,
          Key: loadKey(cell, id),
          Body: encodeLoadReport({ brokerId: id, zone, samples }),
        }),
  );
  await Promise.all(told.map((command) => s3.send(command)));
}
