import type { Duration } from "aws-cdk-lib";
import type { CpuArchitecture } from "aws-cdk-lib/aws-ecs";
import { CpuArchitecture as Cpu } from "aws-cdk-lib/aws-ecs";
import { PolicyStatement, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import type { Code } from "aws-cdk-lib/aws-lambda";
import {
  Architecture,
  Function as LambdaFunction,
  LoggingFormat,
  Runtime,
} from "aws-cdk-lib/aws-lambda";
import { LogGroup } from "aws-cdk-lib/aws-logs";
import { Construct } from "constructs";
import { acknowledge } from "./acknowledge.ts";
import { cellEnvironment } from "./environment.ts";
import type { CellState } from "./permissions.ts";
import type { Profile } from "./profile.ts";

/** What the functions of a cell have in common. */
export type FunctionSetting = {
  readonly code: Code;
  readonly state: CellState;
  readonly profile: Profile;
  readonly architecture: CpuArchitecture;
};

export type CellFunctionProps = FunctionSetting & {
  /** Name of its file in the code. */
  readonly file: string;
  readonly description: string;
  readonly timeout: Duration;
  readonly memoryMiB: number;
  readonly environment?: Record<string, string>;
};

/** A function of the control plane. Not in the VPC: it talks to DynamoDB, S3 and ECS, never to a broker. */
export class CellFunction extends Construct {
  readonly function: LambdaFunction;
  readonly role: Role;
  readonly logGroup: LogGroup;

  constructor(scope: Construct, id: string, props: CellFunctionProps) {
    super(scope, id);
    const { profile, state, architecture } = props;
    this.logGroup = new LogGroup(this, "Logs", {
      retention: profile.logRetention,
      removalPolicy: profile.removalPolicy,
    });
    // CDK would give it AWS's managed policy, which may write to any log group.
    this.role = new Role(this, "Role", { assumedBy: new ServicePrincipal("lambda.amazonaws.com") });
    this.role.addToPolicy(
      new PolicyStatement({
        actions: ["logs:CreateLogStream", "logs:PutLogEvents"],
        resources: [this.logGroup.logGroupArn],
      }),
    );
    this.function = new LambdaFunction(this, "Function", {
      description: `${props.description} of the Myelin cell ${state.cellName}`,
      code: props.code,
      handler: `${props.file}.handler`,
      runtime: Runtime.NODEJS_24_X,
      architecture: architecture === Cpu.ARM64 ? Architecture.ARM_64 : Architecture.X86_64,
      memorySize: props.memoryMiB,
      timeout: props.timeout,
      role: this.role,
      logGroup: this.logGroup,
      loggingFormat: LoggingFormat.JSON,
      environment: { ...cellEnvironment(state), ...props.environment },
    });
    acknowledge(this, {
      "Serverless-LambdaDLQ":
        "Whoever calls it waits for its answer, or calls it again a minute later: nothing is queued that could be lost.",
      "Serverless-LambdaTracing":
        "One call goes to DynamoDB or S3 and back; its time is in the function's own metrics and log.",
    });
  }
}
