import { Validations } from "aws-cdk-lib";
import type { App } from "aws-cdk-lib";
import { AwsSolutionsChecks, ServerlessChecks } from "cdk-nag";

/**
 * Rules that a synth must pass, beside CDK's own check of the template. What a construct does otherwise for a reason it acknowledges itself
 * (`Validations.of(this).acknowledge`), where that reason is.
 */
export function addRules(app: App): void {
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app), new ServerlessChecks(app));
}
