import { Duration, Stack } from "aws-cdk-lib";
import type { ContainerDefinition, ContainerImage, CpuArchitecture } from "aws-cdk-lib/aws-ecs";
import {
  AwsLogDriverMode,
  ContainerDependencyCondition,
  ContainerImage as Images,
  FargateTaskDefinition,
  LinuxParameters,
  LogDriver,
  OperatingSystemFamily,
  UlimitName,
} from "aws-cdk-lib/aws-ecs";
import { PolicyStatement } from "aws-cdk-lib/aws-iam";
import { LogGroup } from "aws-cdk-lib/aws-logs";
import { Size } from "aws-cdk-lib";
import type { Asset } from "aws-cdk-lib/aws-s3-assets";
import { Construct } from "constructs";
import { brokerCode } from "../assets/broker-code.ts";
import { acknowledge, acknowledgeWildcard, writtenArn } from "./acknowledge.ts";
import { cellEnvironment } from "./environment.ts";
import { awsCliImage, nodeImage } from "./images.ts";
import type { CellState } from "./permissions.ts";
import { grantMaintenance } from "./permissions.ts";
import { balancedPorts, brokerHttpPort, kafkaPort } from "./ports.ts";
import type { Profile } from "./profile.ts";

export type BrokerTaskProps = {
  readonly state: CellState;
  readonly profile: Profile;
  readonly architecture: CpuArchitecture;
  /** An image that has the broker in it (see Dockerfile); without one the stock Node image runs the code of this checkout. */
  readonly image: ContainerImage | undefined;
  readonly allowsExec: boolean;
  readonly logLevel: BrokerLogLevel | undefined;
  readonly replacementDelay: Duration | undefined;
};

const logLevels = ["debug", "info", "warn", "error"] as const;
export type BrokerLogLevel = (typeof logLevels)[number];

/** Where the code lies in the container, and the broker's log. */
const appDirectory = "/app";
const dataDirectory = "/data";
/** Fargate's longest: to hand leaderships over, end requests, flush. */
const stopTimeoutSeconds = 120;
/** The `node` user of the image. */
const nodeUser = "1000:1000";

/** The task of a broker: one definition for every zone, for a broker asks the task metadata where it is. */
export class BrokerTask extends Construct {
  readonly definition: FargateTaskDefinition;
  readonly container: ContainerDefinition;
  readonly logGroup: LogGroup;
  readonly #props: BrokerTaskProps;

  constructor(scope: Construct, id: string, props: BrokerTaskProps) {
    super(scope, id);
    this.#props = props;
    const { profile, state } = props;
    this.logGroup = new LogGroup(this, "Logs", {
      retention: profile.logRetention,
      removalPolicy: profile.removalPolicy,
    });
    this.definition = new FargateTaskDefinition(this, "Task", {
      cpu: profile.cpuUnits,
      memoryLimitMiB: profile.memoryMiB,
      ephemeralStorageGiB: profile.diskGiB,
      runtimePlatform: {
        cpuArchitecture: props.architecture,
        operatingSystemFamily: OperatingSystemFamily.LINUX,
      },
    });
    grantMaintenance(this.definition.taskRole, state);
    this.definition.addVolume({ name: "data" });
    this.container = this.#addBroker();
    acknowledge(this.definition, {
      "AwsSolutions-ECS2": "What it is told are names, a profile and ports: nothing is secret.",
    });
    if (props.allowsExec)
      acknowledgeWildcard(
        this.definition.taskRole,
        "*",
        "The channel of ECS Exec (ssmmessages) knows no resources.",
      );
    if (props.image === undefined) this.#addCode(brokerCode(this, "Code", props.architecture));
  }

  #addBroker(): ContainerDefinition {
    const { profile, state, image, allowsExec, logLevel, replacementDelay } = this.#props;
    const container = this.definition.addContainer("broker", {
      image: image ?? Images.fromRegistry(nodeImage),
      ...(image === undefined ? { command: startCommand } : {}),
      user: nodeUser,
      // The agent of ECS Exec writes to it.
      readonlyRootFilesystem: !allowsExec,
      environment: {
        ...cellEnvironment(state),
        MYELIN_DATA_DIR: dataDirectory,
        MYELIN_PORT: String(kafkaPort),
        MYELIN_HTTP_PORT: String(brokerHttpPort),
        MYELIN_PROFILE: profile.name,
        MYELIN_STOP_TIMEOUT_S: String(stopTimeoutSeconds),
        ...(logLevel === undefined ? {} : { MYELIN_LOG_LEVEL: levelOf(logLevel) }),
        ...(replacementDelay === undefined
          ? {}
          : { MYELIN_REPLACEMENT_DELAY_S: String(secondsOf(replacementDelay)) }),
      },
      stopTimeout: Duration.seconds(stopTimeoutSeconds),
      healthCheck: {
        command: ["CMD", "node", `${appDirectory}/health.mjs`],
        interval: Duration.seconds(30),
        timeout: Duration.seconds(5),
        retries: 10,
        // The longest there is: a new broker copies what it will hold before it is ready.
        startPeriod: Duration.seconds(300),
      },
      portMappings: [...balancedPorts, brokerHttpPort].map((containerPort) => ({ containerPort })),
      linuxParameters: new LinuxParameters(this, "Linux", { initProcessEnabled: true }),
      logging: LogDriver.awsLogs({
        logGroup: this.logGroup,
        streamPrefix: "broker",
        // A broker must not wait for its log; what does not fit is dropped.
        mode: AwsLogDriverMode.NON_BLOCKING,
        maxBufferSize: Size.mebibytes(4),
      }),
    });
    container.addUlimits({ name: UlimitName.NOFILE, softLimit: 65_536, hardLimit: 65_536 });
    container.addMountPoints({
      containerPath: dataDirectory,
      sourceVolume: "data",
      readOnly: false,
    });
    return container;
  }

  /** A container that fetches the code before the broker's begins: what a stock image lacks, without a registry or Docker to build one. */
  #addCode(code: Asset): void {
    this.definition.addVolume({ name: "app" });
    const fetcher = this.definition.addContainer("code", {
      image: Images.fromRegistry(awsCliImage),
      essential: false,
      entryPoint: ["sh", "-ec"],
      command: [
        `aws s3 cp --only-show-errors '${code.s3ObjectUrl}' ${appDirectory}/code.tgz && ` +
          // Volumes are root's, and the broker is not.
          `chown ${nodeUser} ${appDirectory} ${dataDirectory}`,
      ],
      logging: LogDriver.awsLogs({ logGroup: this.logGroup, streamPrefix: "code" }),
    });
    const mount = (sourceVolume: string, containerPath: string) => ({
      sourceVolume,
      containerPath,
      readOnly: false,
    });
    fetcher.addMountPoints(mount("app", appDirectory), mount("data", dataDirectory));
    this.container.addMountPoints(mount("app", appDirectory));
    this.container.addContainerDependencies({
      container: fetcher,
      condition: ContainerDependencyCondition.SUCCESS,
    });
    // The fetcher has the task's role: there is one for all containers, and for tasks of every version. While a deployment rolls, or is rolled back, tasks of
    // the version before begin too: so it may fetch any version's code, and not this one's alone.
    const anyCode = code.bucket.arnForObjects("*.tgz");
    this.definition.addToTaskRolePolicy(
      new PolicyStatement({ actions: ["s3:GetObject"], resources: [anyCode] }),
    );
    acknowledgeWildcard(
      this.definition.taskRole,
      writtenArn(this, anyCode),
      "Tasks of the version before begin while a deployment rolls, and fetch the code that they were deployed with.",
    );
  }

  /** What a broker tells ECS while only it has some records: that it must not be stopped. */
  grantProtection(clusterName: string): void {
    const resource = { service: "ecs", resource: "task", resourceName: `${clusterName}/*` };
    const anyTask = Stack.of(this).formatArn(resource);
    this.definition.addToTaskRolePolicy(
      new PolicyStatement({
        actions: ["ecs:GetTaskProtection", "ecs:UpdateTaskProtection"],
        resources: [anyTask],
      }),
    );
    acknowledgeWildcard(
      this.definition.taskRole,
      writtenArn(this, anyTask),
      "A task protects itself, and its id is given to it when it starts.",
    );
  }
}

/** As process 1's only child, so that a stop's SIGTERM reaches it. */
const startCommand = [
  "sh",
  "-ec",
  `tar -xzf ${appDirectory}/code.tgz -C ${appDirectory} && exec node --max-semi-space-size=16 ${appDirectory}/main.mjs`,
];

/** Node runs an app without looking at its types, and a broker that does not know its level ends at once: a deployment would find out last. */
function levelOf(logLevel: BrokerLogLevel): string {
  if (logLevels.includes(logLevel)) return logLevel;
  throw new Error(`logLevel is "${String(logLevel)}"; it takes ${logLevels.join(", ")}`);
}

function secondsOf(replacementDelay: Duration): number {
  const seconds = replacementDelay.toSeconds();
  if (seconds >= 1 && seconds <= 3_600) return seconds;
  throw new Error(`replacementDelay is ${seconds} s; it takes a second to an hour`);
}
