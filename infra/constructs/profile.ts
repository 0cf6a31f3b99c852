import { Duration, RemovalPolicy } from "aws-cdk-lib";
import { RetentionDays } from "aws-cdk-lib/aws-logs";

/** What a cell is made of, and so what it costs (docs/operating/costs.md has the arithmetic). */
export type Profile = {
  readonly name: "dev" | "standard" | "performance";
  /** Availability zones with brokers: 1 or 3. Three keep every record through the loss of one. */
  readonly zoneCount: number;
  /** Brokers that the reconcile task keeps in each zone. Each costs its task, and $3.65 a month for its public address. */
  readonly brokersPerZone: { readonly min: number; readonly max: number };
  /** Of a broker's task, in units of 1/1024 vCPU: 256, 512, 1024, 2048, 4096. */
  readonly cpuUnits: number;
  readonly memoryMiB: number;
  /** Of a broker's ephemeral disk, in GiB: 21 to 200. The first 20 are free. */
  readonly diskGiB: number;
  /** A network load balancer that gives clients one address to begin with. $16.43 a month; without it they ask the HTTP API for the brokers'. */
  readonly hasBootstrapBalancer: boolean;
  /** Whether the bucket gets a key of its own in KMS: $1 a month, and calls. Without one it is encrypted with S3's. */
  readonly hasKey: boolean;
  /** Whether the reconcile task may stop every broker while nobody uses them. */
  readonly sleepsWhenIdle: boolean;
  /** What becomes of table, bucket and key when the stack goes. */
  readonly removalPolicy: RemovalPolicy;
  readonly logRetention: RetentionDays;
  /**
   * How long the bucket keeps old versions of objects, which only a mistake makes one want back: segments that were deleted. Each day costs a day of records.
   * Those of packs and load reports go after a day whatever it says.
   */
  readonly noncurrentVersions: Duration;
};

type Changes = Partial<Omit<Profile, "name">>;

/** One small broker in one zone, about $20 a month: nothing is replicated, and everything goes with the stack. */
function dev(changes: Changes = {}): Profile {
  return {
    name: "dev",
    zoneCount: 1,
    brokersPerZone: { min: 1, max: 1 },
    cpuUnits: 256,
    memoryMiB: 1024,
    diskGiB: 21,
    hasBootstrapBalancer: false,
    hasKey: false,
    sleepsWhenIdle: false,
    removalPolicy: RemovalPolicy.DESTROY,
    logRetention: RetentionDays.THREE_DAYS,
    noncurrentVersions: Duration.days(1),
    ...changes,
  };
}

/** A broker of 1 vCPU in each of three zones, about $135 a month: any zone may go, and table and bucket outlive the stack. */
function standard(changes: Changes = {}): Profile {
  return {
    name: "standard",
    zoneCount: 3,
    brokersPerZone: { min: 1, max: 4 },
    cpuUnits: 1024,
    memoryMiB: 2048,
    diskGiB: 50,
    hasBootstrapBalancer: true,
    hasKey: true,
    sleepsWhenIdle: false,
    removalPolicy: RemovalPolicy.RETAIN,
    logRetention: RetentionDays.ONE_MONTH,
    noncurrentVersions: Duration.days(7),
    ...changes,
  };
}

/**
 * Two brokers of 2 vCPU in each of three zones. A broker has one data thread, so more of them serve more, and a second core takes what is beside it:
 * the log's writer, sockets, TLS of the object store.
 */
function performance(changes: Changes = {}): Profile {
  return {
    ...standard(),
    name: "performance",
    brokersPerZone: { min: 2, max: 10 },
    cpuUnits: 2048,
    memoryMiB: 8192,
    diskGiB: 200,
    ...changes,
  };
}

/** `Profile.standard({ diskGiB: 100 })`: a profile, with what should differ. */
export const Profile = { dev, standard, performance };

/** Throws on what no deployment could serve. */
export function assertProfile(profile: Profile) {
  const { name, brokersPerZone, diskGiB, zoneCount, noncurrentVersions } = profile;
  const { min, max } = brokersPerZone;
  const wrong = (what: string): never => {
    throw new Error(`profile ${name}: ${what}`);
  };
  if (!Number.isInteger(zoneCount) || zoneCount < 1 || zoneCount > 6)
    wrong(`zoneCount is ${zoneCount}; it takes 1 to 6`);
  if (!Number.isInteger(min) || min < 1) wrong(`brokersPerZone.min is ${min}; it takes 1 or more`);
  if (!Number.isInteger(max) || max < min)
    wrong(`brokersPerZone.max is ${max}; it takes brokersPerZone.min (${min}) or more`);
  // Fargate's own limits.
  if (diskGiB < 21 || diskGiB > 200) wrong(`diskGiB is ${diskGiB}; it takes 21 to 200`);
  // S3's: it would refuse the bucket.
  if (noncurrentVersions.toDays({ integral: false }) < 1)
    wrong(`noncurrentVersions is ${noncurrentVersions.toHumanString()}; it takes a day or more`);
}
