import type { Duration } from "aws-cdk-lib";
import { RemovalPolicy, Stack, Token } from "aws-cdk-lib";
import type { ITable } from "aws-cdk-lib/aws-dynamodb";
import { Connections, Port } from "aws-cdk-lib/aws-ec2";
import type { ISecurityGroup, IVpc, SubnetSelection } from "aws-cdk-lib/aws-ec2";
import type { ContainerImage } from "aws-cdk-lib/aws-ecs";
import { CpuArchitecture } from "aws-cdk-lib/aws-ecs";
import { Key } from "aws-cdk-lib/aws-kms";
import type { IKey } from "aws-cdk-lib/aws-kms";
import type { IBucket } from "aws-cdk-lib/aws-s3";
import type { ITopic } from "aws-cdk-lib/aws-sns";
import type { Construct, IDependable } from "constructs";
import { functionsCode } from "../assets/functions-code.ts";
import { CellAlarms } from "./alarms.ts";
import { ApiAccess } from "./api-access.ts";
import { BrokerFleet } from "./broker-fleet.ts";
import type { BrokerLogLevel } from "./broker-task.ts";
import { CellBase } from "./cell-base.ts";
import type { CellFunction, FunctionSetting } from "./cell-function.ts";
import type { IMyelinCell } from "./cell-interface.ts";
import { CellMetrics } from "./cell-metrics.ts";
import { ControlPlane } from "./control-plane.ts";
import { CellDashboard } from "./dashboard.ts";
import { LogBucket } from "./log-bucket.ts";
import { MetadataTable } from "./metadata-table.ts";
import { CellNetwork } from "./network.ts";
import type { CellState } from "./permissions.ts";
import { kafkaPort } from "./ports.ts";
import { assertProfile, Profile } from "./profile.ts";
import { ScheduledTasks } from "./scheduled-tasks.ts";

export type MyelinCellProps = {
  /** What the cell is made of, and so what it costs. @default Profile.standard() */
  readonly profile?: Profile;
  /**
   * Names the cell in its table, its bucket, its ECS services and its alarms: 1 to 32 small letters, digits and "-". Cannot change: under another name
   * there is another, empty cell. @default the stack's name
   */
  readonly cellName?: string;
  /** @default a VPC of its own, with public subnets and no NAT gateway: costs nothing */
  readonly vpc?: IVpc;
  /**
   * Where the brokers are: at least as many zones as the profile has, the first subnet of each is taken. Private subnets need a way to AWS (NAT gateway, or
   * endpoints for S3, DynamoDB, ECR, logs). @default the public subnets of the VPC
   */
  readonly subnets?: SubnetSelection;
  /** Who is let in at the HTTP API. @default ApiAccess.iam() */
  readonly access?: ApiAccess;
  /**
   * The metadata log and the bucket of a cell whose stack is gone, or that was restored (docs/operating/restore.md), both: the cell goes on with them under
   * the `cellName` that it has there. Its clusters and topics of the same names become the stack's. @default new ones
   */
  readonly existing?: { readonly table: ITable; readonly bucket: IBucket };
  /**
   * Encrypts the bucket. @default that of a bucket that is there; a key of its own in KMS ($1 a month), or S3's in the dev profile. What was written before
   * stays under the key that it was written with: name that one in `formerKeys` where it changes.
   */
  readonly encryptionKey?: IKey;
  /**
   * Keys that encrypted the bucket before: what is under them is decrypted. A deployment that changes the key replaces brokers one zone after the other, and
   * those that are left write with the former one until then. @default none
   */
  readonly formerKeys?: readonly IKey[];
  /** @default ARM64, a fifth cheaper */
  readonly architecture?: CpuArchitecture;
  /** Has the broker in it at /app, as the Dockerfile of the repository makes it. @default the stock Node image, which fetches this checkout's code */
  readonly image?: ContainerImage;
  /** What brokers write to their log. @default "info" */
  readonly logLevel?: BrokerLogLevel;
  /** A broker that is gone for so long has its replicas made anew on others; a second to an hour. @default one minute */
  readonly replacementDelay?: Duration;
  /** Whether whoever may `ecs:ExecuteCommand` can open a shell or a tunnel in a broker's container. @default true */
  readonly enableExecuteCommand?: boolean;
  /** Told when an alarm goes off, and when it is over. @default nobody: alarms can be looked at */
  readonly alarmTopic?: ITopic;
};

export type MyelinCellAttributes = {
  readonly cellName: string;
  readonly apiUrl: string;
  readonly apiId: string;
  readonly serviceToken: string;
  /** @default clients begin with the brokers' own addresses */
  readonly bootstrapHost?: string;
  /** Of the brokers and of the load balancer. */
  readonly securityGroups: readonly ISecurityGroup[];
  /** @default ApiAccess.iam() */
  readonly access?: ApiAccess;
  /** For clusters and topics of this stack. @default RETAIN */
  readonly removalPolicy?: RemovalPolicy;
};

/** A cell: brokers, the control plane, the metadata log, the bucket. Clusters are made on it with `addCluster`. */
export class MyelinCell extends CellBase {
  /** The cell of another stack, by what that stack's outputs say. */
  static fromMyelinCellAttributes(
    scope: Construct,
    id: string,
    attributes: MyelinCellAttributes,
  ): IMyelinCell {
    return new ImportedCell(scope, id, attributes);
  }

  readonly cellName: string;
  readonly apiUrl: string;
  readonly apiId: string;
  readonly serviceToken: string;
  readonly bootstrapHost: string | undefined;
  readonly removalPolicy: RemovalPolicy;
  readonly adoptsWhatIsThere: boolean;
  readonly brokersReady: readonly IDependable[];
  readonly connections: Connections;
  readonly access: ApiAccess;
  readonly profile: Profile;
  readonly network: CellNetwork;
  readonly fleet: BrokerFleet;
  readonly controlPlane: ControlPlane;
  readonly tasks: ScheduledTasks;
  readonly state: CellState;
  /** What there is to see of it: `cell.metrics.cpuUtilization(0)`. */
  readonly metrics: CellMetrics;

  constructor(scope: Construct, id: string, props: MyelinCellProps = {}) {
    super(scope, id);
    this.profile = props.profile ?? Profile.standard();
    assertProfile(this.profile);
    // Under the stack's own name another cell would begin there, an empty one.
    if (props.existing !== undefined && props.cellName === undefined)
      throw new Error("a cell that is there already has a name: give it as cellName (-c cell=...)");
    this.cellName = props.cellName ?? nameOf(this);
    assertCellName(this.cellName);
    this.access = props.access ?? ApiAccess.iam();
    // What was there before the stack stays when it goes, or fails to come: a roll-back deletes what it takes for its own.
    this.removalPolicy =
      props.existing === undefined ? this.profile.removalPolicy : RemovalPolicy.RETAIN;
    const architecture = props.architecture ?? CpuArchitecture.ARM64;
    this.adoptsWhatIsThere = props.existing !== undefined;
    this.state = this.#stateOf(props);
    this.network = new CellNetwork(this, "Network", {
      zoneCount: this.profile.zoneCount,
      vpc: props.vpc,
      subnets: props.subnets,
    });
    const setting: FunctionSetting = {
      code: functionsCode(this, "FunctionsCode", architecture),
      state: this.state,
      profile: this.profile,
      architecture,
    };
    this.controlPlane = new ControlPlane(this, "ControlPlane", { setting, access: this.access });
    this.tasks = new ScheduledTasks(this, "Tasks", { setting });
    this.fleet = new BrokerFleet(this, "Brokers", {
      state: this.state,
      profile: this.profile,
      network: this.network,
      architecture,
      image: props.image,
      allowsExec: props.enableExecuteCommand ?? true,
      logLevel: props.logLevel,
      replacementDelay: props.replacementDelay,
    });
    this.tasks.begin(this.fleet);
    // A function that knows what a broker may write is there before one can write it; the other way round the control plane would stop.
    for (const { service } of this.fleet.services)
      service.node.addDependency(...this.#functions.map((each) => each.function));
    this.apiUrl = this.controlPlane.api.url;
    this.apiId = this.controlPlane.api.http.apiId;
    this.serviceToken = this.controlPlane.provider.serviceToken;
    this.bootstrapHost = this.fleet.balancer?.balancer.loadBalancerDnsName;
    if (this.bootstrapHost !== undefined) this.controlPlane.nameBootstrapHost(this.bootstrapHost);
    this.brokersReady = this.fleet.services.map(({ service }) => service);
    this.connections = this.fleet.connections;
    const { cellName, fleet, controlPlane, tasks, state, profile } = this;
    this.metrics = new CellMetrics(this, "Metrics", { state, fleet, controlPlane, tasks });
    const { alarms } = new CellAlarms(this, "Alarms", {
      metrics: this.metrics,
      profile,
      cellName,
      topic: props.alarmTopic,
    });
    new CellDashboard(this, "Dashboard", {
      metrics: this.metrics,
      alarms,
      zoneCount: profile.zoneCount,
      cellName,
    });
  }

  #stateOf({ existing, encryptionKey, formerKeys = [] }: MyelinCellProps): CellState {
    const { cellName } = this;
    if (existing !== undefined) {
      const { table, bucket } = existing;
      const key = encryptionKey ?? bucket.encryptionKey;
      return { cellName, table, bucket, key, formerKeys };
    }
    const { removalPolicy, hasKey, noncurrentVersions } = this.profile;
    const key =
      encryptionKey ??
      (hasKey
        ? new Key(this, "Key", {
            description: `Records of the Myelin cell ${this.cellName}`,
            enableKeyRotation: true,
            removalPolicy,
          })
        : undefined);
    const { table } = new MetadataTable(this, "Metadata", { removalPolicy });
    const { bucket } = new LogBucket(this, "Log", {
      cellName,
      key,
      noncurrentVersions,
      removalPolicy,
    });
    return { cellName, table, bucket, key, formerKeys };
  }

  get #functions(): CellFunction[] {
    const { handler, resourceHandler } = this.controlPlane;
    return [handler, resourceHandler, this.tasks.reconcile, this.tasks.maintain];
  }
}

class ImportedCell extends CellBase {
  readonly cellName: string;
  readonly apiUrl: string;
  readonly apiId: string;
  readonly serviceToken: string;
  readonly bootstrapHost: string | undefined;
  readonly removalPolicy: RemovalPolicy;
  readonly adoptsWhatIsThere = false;
  readonly brokersReady: readonly IDependable[] = [];
  readonly connections: Connections;
  readonly access: ApiAccess;

  constructor(scope: Construct, id: string, attributes: MyelinCellAttributes) {
    super(scope, id);
    this.cellName = attributes.cellName;
    this.apiUrl = attributes.apiUrl;
    this.apiId = attributes.apiId;
    this.serviceToken = attributes.serviceToken;
    this.bootstrapHost = attributes.bootstrapHost;
    this.removalPolicy = attributes.removalPolicy ?? RemovalPolicy.RETAIN;
    this.access = attributes.access ?? ApiAccess.iam();
    this.connections = new Connections({
      securityGroups: [...attributes.securityGroups],
      defaultPort: Port.tcp(kafkaPort),
    });
  }
}

function nameOf(scope: Construct): string {
  const { stackName } = Stack.of(scope);
  if (Token.isUnresolved(stackName))
    throw new Error("the name of the stack is not known here: give the cell a cellName");
  return stackName.toLowerCase();
}

function assertCellName(name: string): void {
  if (/^[a-z0-9][a-z0-9-]{0,31}$/.test(name)) return;
  throw new Error(
    `cellName is "${name}"; it takes 1 to 32 small letters, digits and "-", the first no "-"`,
  );
}
