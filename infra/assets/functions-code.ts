import { join } from "node:path";
import { Code } from "aws-cdk-lib/aws-lambda";
import type { CodeConfig } from "aws-cdk-lib/aws-lambda";
import type { CpuArchitecture } from "aws-cdk-lib/aws-ecs";
import { Asset } from "aws-cdk-lib/aws-s3-assets";
import type { Construct } from "constructs";
import { buildFunctions } from "./build-functions.ts";
import { repository } from "./repository.ts";
import { architectureName, staged } from "./staging.ts";

/** The functions' code, for all of them. */
export function functionsCode(scope: Construct, id: string, architecture: CpuArchitecture): Code {
  const asset =
    staged(
      scope,
      (directory) => buildFunctions(directory, architectureName(architecture)),
      (path) => new Asset(scope, id, { path }),
    ) ?? new Asset(scope, id, { path: join(repository, "infra/container") });
  return new StagedCode(asset);
}

/** An asset that is there already: CDK's own code from a directory would look for that once more for each function, and it is gone by then. */
class StagedCode extends Code {
  readonly isInline = false;
  readonly #asset: Asset;

  constructor(asset: Asset) {
    super();
    this.#asset = asset;
  }

  override bind(): CodeConfig {
    const { s3BucketName: bucketName, s3ObjectKey: objectKey } = this.#asset;
    return { s3Location: { bucketName, objectKey } };
  }
}
