import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Stack } from "aws-cdk-lib";
import { CpuArchitecture } from "aws-cdk-lib/aws-ecs";
import type { Construct } from "constructs";
import type { Architecture } from "./modules.ts";

/**
 * Runs `build` in a directory of its own and `use` on what it made there, which is copied meanwhile. Null where nothing is bundled: CDK's own switch
 * (context `aws:cdk:bundling-stacks`), for a look at the template.
 */
export function staged<Result>(
  scope: Construct,
  build: (directory: string) => void,
  use: (directory: string) => Result,
): Result | null {
  if (!Stack.of(scope).bundlingRequired) return null;
  const directory = mkdtempSync(join(tmpdir(), "myelin-code-"));
  try {
    build(directory);
    return use(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** As Node and npm name it. */
export function architectureName(architecture: CpuArchitecture): Architecture {
  return architecture === CpuArchitecture.ARM64 ? "arm64" : "x64";
}
