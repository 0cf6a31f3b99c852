import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { AssetHashType, FileSystem } from "aws-cdk-lib";
import type { CpuArchitecture } from "aws-cdk-lib/aws-ecs";
import { Asset } from "aws-cdk-lib/aws-s3-assets";
import type { Construct } from "constructs";
import { buildBroker } from "./build-broker.ts";
import { repository } from "./repository.ts";
import { architectureName, staged } from "./staging.ts";

/** The broker's code as one compressed tar, which the stock image can unpack (it has no unzip). */
export function brokerCode(scope: Construct, id: string, architecture: CpuArchitecture): Asset {
  const packed = staged(
    scope,
    (directory) => {
      const files = join(directory, "files");
      mkdirSync(files);
      buildBroker(files, architectureName(architecture));
      pack(files, join(directory, "code.tgz"));
    },
    (directory) =>
      new Asset(scope, id, {
        path: join(directory, "code.tgz"),
        // Of the contents: the archive itself differs with every build, by its times, and would roll every broker.
        assetHashType: AssetHashType.CUSTOM,
        assetHash: FileSystem.fingerprint(join(directory, "files")),
      }),
  );
  return packed ?? new Asset(scope, id, { path: join(repository, "package.json") });
}

function pack(files: string, archive: string): void {
  execFileSync("tar", ["-czf", archive, "-C", files, "."], {
    // On macOS it would add a file of attributes to each.
    env: { ...process.env, COPYFILE_DISABLE: "1" },
    stdio: ["ignore", "ignore", "inherit"],
  });
}
