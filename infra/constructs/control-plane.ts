import { Duration } from "aws-cdk-lib";
import { Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { Provider } from "aws-cdk-lib/custom-resources";
import { Construct } from "constructs";
import { acknowledge, acknowledgeWildcard, shownArn } from "./acknowledge.ts";
import type { ApiAccess } from "./api-access.ts";
import { CellApi } from "./cell-api.ts";
import type { FunctionSetting } from "./cell-function.ts";
import { CellFunction } from "./cell-function.ts";
import { grantAppends } from "./permissions.ts";
import { brokerHttpPort, kafkaPort } from "./ports.ts";

export type ControlPlaneProps = { readonly setting: FunctionSetting; readonly access: ApiAccess };

/** The HTTP API, and what makes `Cluster` and `Topic` resources of CloudFormation. All of it works with every broker stopped. */
export class ControlPlane extends Construct {
  readonly api: CellApi;
  readonly handler: CellFunction;
  readonly resourceHandler: CellFunction;
  readonly provider: Provider;

  constructor(scope: Construct, id: string, { setting, access }: ControlPlaneProps) {
    super(scope, id);
    this.handler = new CellFunction(this, "Handler", {
      ...setting,
      file: "api",
      description: "HTTP API",
      // The gateway gives up after 30 s.
      timeout: Duration.seconds(29),
      // With it comes CPU: a first request reads the metadata log.
      memoryMiB: 1024,
      environment: { MYELIN_PORT: String(kafkaPort), MYELIN_HTTP_PORT: String(brokerHttpPort) },
    });
    grantAppends(this.handler.role, setting.state);
    this.api = new CellApi(this, "Api", {
      handler: this.handler.function,
      cellName: setting.state.cellName,
      profile: setting.profile,
      access,
    });
    this.resourceHandler = new CellFunction(this, "Resources", {
      ...setting,
      file: "custom-resource",
      description: "Clusters and topics of stacks",
      // Fifty topics of one stack are created at the same time, and each append waits for its turn.
      timeout: Duration.minutes(5),
      memoryMiB: 512,
      environment: { MYELIN_PORT: String(kafkaPort) },
    });
    grantAppends(this.resourceHandler.role, setting.state);
    this.provider = this.#newProvider();
  }
  /** What clients are told as long as no broker has registered. */
  nameBootstrapHost(host: string): void {
    this.handler.function.addEnvironment("MYELIN_BOOTSTRAP_HOST", host);
  }

  /** CDK's own answerer of CloudFormation: what the handler returns or throws reaches it, whatever happens. */
  #newProvider(): Provider {
    const { function: onEventHandler, logGroup } = this.resourceHandler;
    const role = new Role(this, "ProviderRole", {
      assumedBy: new ServicePrincipal("lambda.amazonaws.com"),
    });
    logGroup.grantWrite(role);
    const provider = new Provider(this, "Provider", {
      onEventHandler,
      logGroup,
      frameworkOnEventRole: role,
    });
    const reasons = {
      "AwsSolutions-L1": "CDK's own function: the library says what it runs on.",
      "Serverless-LambdaLatestVersion": "CDK's own function: the library says what it runs on.",
      "Serverless-LambdaDefaultMemorySize": "CDK's own function: it waits, and needs no more.",
      "Serverless-LambdaDLQ": "CloudFormation waits for its answer and gives up by itself.",
      "Serverless-LambdaTracing": "CDK's own function: it makes one call.",
    };
    acknowledge(provider, reasons);
    acknowledgeWildcard(
      role,
      `${shownArn(onEventHandler)}:*`,
      "It may call any version of the one function that it is for.",
    );
    return provider;
  }
}
