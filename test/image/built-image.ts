import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { repository } from "../../infra/assets/repository.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import type { Architecture } from "./architecture.ts";
import { ownArchitecture } from "./architecture.ts";
import { buildOptions, buildah, cache } from "./buildah.ts";
import { run } from "./program.ts";

/** What an image says of itself, as far as a container of it is started by that. */
export type ImageConfig = {
  readonly User: string;
  readonly Cmd: readonly string[];
  readonly Env: readonly string[];
  readonly Volumes: Readonly<Record<string, unknown>>;
  readonly ExposedPorts: Readonly<Record<string, unknown>>;
  readonly Healthcheck: { readonly Test: readonly string[] };
};

export type BuiltImage = {
  readonly architecture: string;
  readonly config: ImageConfig;
  /** A directory with its files. */
  readonly root: string;
  /** Of all layers, not compressed. */
  readonly sizeBytes: number;
  remove(): Promise<void>;
};

/** Builds the repository's Dockerfile for an architecture, as it is, with nothing of that architecture run. */
export async function buildImage(architecture: Architecture): Promise<BuiltImage> {
  using directory = temporaryDirectory();
  const name = `localhost/myelin-test:${architecture}`;
  // Of a run that was ended before it could tidy up, with its containers.
  await buildah("rmi", "--force", name).catch(() => undefined);
  await buildah(
    "bud",
    ...buildOptions,
    "--platform",
    `linux/${architecture}`,
    // BuildKit knows it by itself, buildah (1.28) does not.
    "--build-arg",
    `BUILDPLATFORM=linux/${ownArchitecture}`,
    "--tag",
    name,
    ...(await npmVolumes(directory.path)),
    repository,
  );
  const container = await buildah("from", "--pull-never", name);
  const inspected = await buildah("inspect", "--type", "image", name);
  const { Docker } = JSON.parse(inspected) as {
    Docker: { architecture: string; config: ImageConfig };
  };
  const [{ size }] = JSON.parse(await buildah("images", "--json", name)) as [{ size: string }];
  return {
    architecture: Docker.architecture,
    config: Docker.config,
    root: await buildah("mount", container),
    sizeBytes: bytesOf(size),
    async remove() {
      await buildah("rm", container);
      await buildah("rmi", name);
    },
  };
}

/** This machine's registry of npm and whom it trusts, and what was fetched before, for the build and not for the image: mounted while the build runs. */
async function npmVolumes(directory: string): Promise<string[]> {
  const config = async (name: string) => run("npm", ["config", "get", name], { cwd: directory });
  const userConfig = await config("userconfig");
  const lines = [readIfThere(userConfig), `registry=${await config("registry")}`];
  const packages = join(cache, "npm");
  mkdirSync(packages, { recursive: true });
  const volumes = [`${join(directory, "npmrc")}:/root/.npmrc:ro`, `${packages}:/root/.npm`];
  const trusted = process.env["NODE_EXTRA_CA_CERTS"];
  if (trusted !== undefined) {
    lines.push("cafile=/etc/npm-trusts.pem");
    volumes.push(`${trusted}:/etc/npm-trusts.pem:ro`);
  }
  writeFileSync(join(directory, "npmrc"), `${lines.join("\n")}\n`);
  return volumes.flatMap((each) => ["--volume", each]);
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

/** `271 MB` */
function bytesOf(size: string): number {
  const [, number, unit = ""] = /^([\d.]+) (\w+)$/.exec(size) ?? [];
  return Number(number) * 1_000 ** ["B", "KB", "MB", "GB"].indexOf(unit.toUpperCase());
}
