import type { Clock } from "../../ports/clock.ts";
import type { MetadataLog } from "../../ports/metadata-log.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import type { Random } from "../../ports/random.ts";
import { createDynamoClient } from "../dynamodb/client.ts";
import { createDynamoMetadataLog } from "../dynamodb/metadata-log.ts";
import { createNodeClock } from "../node/clock.ts";
import { createNodeRandom } from "../node/random.ts";
import { createS3Client } from "../s3/client.ts";
import { createS3ObjectStore } from "../s3/object-store.ts";
import type { CellEnvironment } from "./environment.ts";

/** What a process in AWS needs of the world to know its cell and to change it. */
export type CellPorts = {
  readonly clock: Clock;
  readonly random: Random;
  readonly objects: ObjectStore;
  readonly metadataLog: MetadataLog;
  /** Closes the log, and the connections of both. */
  close(): Promise<void>;
};

/** Opens no connection yet: what is not there or not allowed is told by the first call. Credentials are found as the SDK finds them. */
export function openCellPorts(environment: CellEnvironment): CellPorts {
  const { MYELIN_CELL: cell, MYELIN_KMS_KEY_ID: kmsKeyId, AWS_REGION: region } = environment;
  const clock = createNodeClock();
  const random = createNodeRandom();
  const dynamo = createDynamoClient({ region });
  const s3 = createS3Client({
    region,
    // Buckets of an emulator have no host names of their own.
    forcePathStyle: environment.AWS_ENDPOINT_URL !== undefined,
  });
  const metadataLog = createDynamoMetadataLog({
    client: dynamo,
    clock,
    random,
    tableName: environment.MYELIN_METADATA_TABLE,
    cell,
  });
  return {
    clock,
    random,
    objects: createS3ObjectStore({
      client: s3,
      clock,
      random,
      bucket: environment.MYELIN_BUCKET,
      ...(kmsKeyId === undefined ? {} : { kmsKeyId }),
    }),
    metadataLog,
    async close() {
      await metadataLog.close();
      dynamo.destroy();
      s3.destroy();
    },
  };
}
