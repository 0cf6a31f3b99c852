import { Duration, RemovalPolicy } from "aws-cdk-lib";
import type { IKey } from "aws-cdk-lib/aws-kms";
import type { IBucket } from "aws-cdk-lib/aws-s3";
import { BlockPublicAccess, Bucket, BucketEncryption, ObjectOwnership } from "aws-cdk-lib/aws-s3";
import { Construct } from "constructs";
import { acknowledge } from "./acknowledge.ts";
import { isEmulated } from "./emulated.ts";

export type LogBucketProps = {
  readonly cellName: string;
  readonly key: IKey | undefined;
  readonly noncurrentVersions: Duration;
  readonly removalPolicy: RemovalPolicy;
};

/**
 * What brokers put again and again, and delete or replace within the hour: nobody wants an old version of it back. Packs have nearly every record once
 * more, so a week of them would be another copy of a week. A day is the least that S3 takes, and of two rules that meet the shorter one counts
 * (https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-conflicts.html).
 */
const shortLived = ["packs", "load"];

/**
 * Where a cell keeps its segments and the archive of its metadata log (docs/decisions: "The object store on S3"). No rule expires current objects:
 * what is retained and what is not is the brokers' to say, for they know the manifests.
 */
export class LogBucket extends Construct {
  readonly bucket: IBucket;

  constructor(scope: Construct, id: string, props: LogBucketProps) {
    super(scope, id);
    const isDestroyed = props.removalPolicy === RemovalPolicy.DESTROY;
    this.bucket = new Bucket(this, "Bucket", {
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      ...(props.key === undefined
        ? { encryption: BucketEncryption.S3_MANAGED }
        : {
            encryption: BucketEncryption.KMS,
            encryptionKey: props.key,
            bucketKeyEnabled: true,
          }),
      versioned: true,
      lifecycleRules: [
        {
          id: "leftovers",
          // Parts are billed until their upload ends: this takes those whose abort did not arrive.
          abortIncompleteMultipartUploadAfter: Duration.days(1),
          noncurrentVersionExpiration: props.noncurrentVersions,
          // A delete leaves a marker, which listings pass over one by one: it goes when the version under it has gone.
          expiredObjectDeleteMarker: true,
        },
        ...shortLived.map((folder) => ({
          id: `old ${folder}`,
          prefix: `cells/${props.cellName}/${folder}/`,
          noncurrentVersionExpiration: Duration.days(1),
        })),
      ],
      removalPolicy: props.removalPolicy,
      // A function of CDK's empties it; the emulator cannot run that one.
      autoDeleteObjects: isDestroyed && !isEmulated(this),
    }) as IBucket; // CDK's types disagree about what may be undefined (exactOptionalPropertyTypes).
    acknowledge(this.bucket, {
      "AwsSolutions-S1":
        "Only the cell's own roles reach it, at thousands of requests a minute: a log of them would cost more than they do. CloudTrail's data events are there for who needs them.",
    });
  }
}
