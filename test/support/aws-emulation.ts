// What a cell in AWS stands on, on loopback: AWS's DynamoDB Local for the metadata log, an S3 server for the objects.
import { noDynamoDbLocalReason, startDynamoDbLocal } from "./dynamodb-local.ts";
import { ministack } from "./s3-servers.ts";

export type AwsEmulation = {
  /** Of DynamoDB Local: stopped (SIGSTOP), it is a DynamoDB that does not answer. */
  readonly dynamoPid: number;
  /** What a deployment tells each process of the cell. */
  readonly environment: Record<string, string>;
  stop(): Promise<void>;
};

/** Why it cannot run here, or null. */
export function noAwsEmulationReason(): string | null {
  return noDynamoDbLocalReason() ?? ministack.unavailable();
}

export async function startAwsEmulation(cell: string): Promise<AwsEmulation> {
  const table = "metadata";
  const bucket = "cell-objects";
  const dynamo = await startDynamoDbLocal(table);
  const s3 = await ministack.start(bucket);
  return {
    dynamoPid: dynamo.pid,
    environment: {
      MYELIN_CELL: cell,
      MYELIN_METADATA_TABLE: table,
      MYELIN_BUCKET: bucket,
      AWS_REGION: "us-east-1",
      AWS_ACCESS_KEY_ID: "local",
      AWS_SECRET_ACCESS_KEY: "local",
      AWS_ENDPOINT_URL: `http://127.0.0.1:${s3.port}`,
      AWS_ENDPOINT_URL_DYNAMODB: dynamo.endpoint,
    },
    async stop() {
      await s3.stop();
      await dynamo.stop();
    },
  };
}
