import { HttpApi, HttpStage, LogGroupLogDestination } from "aws-cdk-lib/aws-apigatewayv2";
import { HttpLambdaIntegration } from "aws-cdk-lib/aws-apigatewayv2-integrations";
import { AccessLogFormat } from "aws-cdk-lib/aws-apigateway";
import type { IFunction } from "aws-cdk-lib/aws-lambda";
import { LogGroup } from "aws-cdk-lib/aws-logs";
import { Construct } from "constructs";
import type { ApiAccess } from "./api-access.ts";
import { authorizerOf } from "./api-access.ts";
import type { Profile } from "./profile.ts";

export type CellApiProps = {
  readonly handler: IFunction;
  readonly cellName: string;
  readonly profile: Profile;
  readonly access: ApiAccess;
};

/** Requests a second, and above that for a moment: each is a read of the metadata log, and most are changes. */
const throttle = { rateLimit: 100, burstLimit: 200 };

/** One route for all: the app in the function has the routes, and is the same as on a laptop. */
export class CellApi extends Construct {
  readonly http: HttpApi;
  /** Without a "/" at its end. */
  readonly url: string;
  readonly accessLogs: LogGroup;

  constructor(scope: Construct, id: string, { handler, cellName, profile, access }: CellApiProps) {
    super(scope, id);
    this.http = new HttpApi(this, "Http", {
      apiName: `myelin-${cellName}`,
      description: `HTTP API of the Myelin cell ${cellName}`,
      defaultIntegration: new HttpLambdaIntegration("Handler", handler),
      defaultAuthorizer: authorizerOf(access),
      createDefaultStage: false,
    });
    this.accessLogs = new LogGroup(this, "AccessLogs", {
      retention: profile.logRetention,
      removalPolicy: profile.removalPolicy,
    });
    new HttpStage(this, "Stage", {
      httpApi: this.http,
      stageName: "$default",
      autoDeploy: true,
      throttle,
      accessLogSettings: {
        destination: new LogGroupLogDestination(this.accessLogs),
        format: AccessLogFormat.custom(
          JSON.stringify({
            time: "$context.requestTime",
            request: "$context.requestId",
            method: "$context.httpMethod",
            path: "$context.path",
            status: "$context.status",
            caller: "$context.identity.userArn",
            subject: "$context.authorizer.claims.sub",
            source: "$context.identity.sourceIp",
            error: "$context.error.message",
          }),
        ),
      },
    });
    // That of the default stage, which has no path of its own.
    this.url = this.http.apiEndpoint;
  }
}
