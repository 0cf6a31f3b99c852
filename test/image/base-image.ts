// The image that the Dockerfile begins with, where its registry cannot be reached: Debian's packages and Node's binaries, under its name, for both
// architectures. It has what the build and the broker use (sh, npm, node, the user `node`) and lacks the entrypoint of the real one, which executes the command.
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { nodeImage } from "../../infra/constructs/images.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import type { Architecture } from "./architecture.ts";
import { architectures, nodeNames } from "./architecture.ts";
import { buildOptions, buildah } from "./buildah.ts";
import { findProgram, run } from "./program.ts";

/** The newest that comes with Node 24. */
const npmVersion = "11";

/** Why there is no image to begin with, and none can be made; null where there is one. */
export async function noBaseImageReason(): Promise<string | null> {
  if ((await hasBaseImage()) || (await isRegistryReachable())) return null;
  if (findProgram("debootstrap") !== null) return null;
  return "skipped: the registry of the base image cannot be reached, and there is no debootstrap to make a stand-in";
}

/** Makes the stand-in once, where it is needed. */
export async function prepareBaseImage(): Promise<void> {
  if ((await hasBaseImage()) || (await isRegistryReachable())) return;
  using directory = temporaryDirectory();
  for (const architecture of architectures) await makeRoot(directory.path, architecture);
  writeFileSync(
    join(directory.path, "Dockerfile"),
    `FROM scratch\nARG TARGETARCH\nADD $TARGETARCH.tar /\nENV NODE_VERSION=${process.versions.node}\nCMD ["node"]\n`,
  );
  const platforms = architectures.map((each) => `linux/${each}`).join(",");
  const platform = ["--platform", platforms, "--manifest", nodeImage];
  await buildah("bud", ...buildOptions, ...platform, directory.path);
}

/** A list of images, one per architecture, is what only the stand-in is here: what is pulled is one image. */
async function hasBaseImage(): Promise<boolean> {
  return buildah("manifest", "inspect", `containers-storage:${nodeImage}`).then(
    () => true,
    () => false,
  );
}

async function isRegistryReachable(): Promise<boolean> {
  const [host = ""] = nodeImage.split("/");
  try {
    const answer = await fetch(`https://${host}/v2/`, { signal: AbortSignal.timeout(5_000) });
    await answer.body?.cancel();
    // A registry that wants a token is one.
    return answer.ok || answer.status === 401;
  } catch {
    return false;
  }
}

async function makeRoot(directory: string, architecture: Architecture): Promise<void> {
  const root = join(directory, architecture);
  // Unpacked and no more: to configure packages would be to run another architecture's programs.
  const what = ["--foreign", "--variant=minbase", `--arch=${architecture}`, "--include=libstdc++6"];
  await run("debootstrap", [...what, "bookworm", root, ...(await debianMirror())]);
  for (const each of ["debootstrap", "var/cache/apt/archives", "usr/share/doc", "usr/share/locale"])
    rmSync(join(root, each), { recursive: true, force: true });
  // In a container debootstrap makes a link to the machine's own of it.
  rmSync(join(root, "proc"), { recursive: true });
  mkdirSync(join(root, "proc"));
  await addNode(root, architecture);
  const users = ["root:x:0:0:root:/root:/bin/bash", "node:x:1000:1000::/home/node:/bin/bash"];
  writeFileSync(join(root, "etc/passwd"), `${users.join("\n")}\n`);
  writeFileSync(join(root, "etc/group"), "root:x:0:\nnode:x:1000:\n");
  await run("tar", ["-cf", `${root}.tar`, "-C", root, "."]);
  rmSync(root, { recursive: true });
}

async function addNode(root: string, architecture: Architecture): Promise<void> {
  const local = join(root, "usr/local");
  const npm = join(local, "lib/node_modules/npm");
  for (const each of [npm, join(local, "bin"), join(root, "home/node")])
    mkdirSync(each, { recursive: true });
  const node = `node-linux-${nodeNames[architecture]}@${process.versions.node}`;
  const taken = ["--strip-components=2", "package/bin/node"];
  await run("tar", ["-xzf", await packed(root, node), "-C", join(local, "bin"), ...taken]);
  const archive = await packed(root, `npm@${npmVersion}`);
  await run("tar", ["-xzf", archive, "-C", npm, "--strip-components=1"]);
  symlinkSync("../lib/node_modules/npm/bin/npm-cli.js", join(local, "bin/npm"));
}

/** A package from npm, beside the root: the archive's path. */
async function packed(root: string, name: string): Promise<string> {
  const printed = await run("npm", ["pack", "--json", name], { cwd: join(root, "..") });
  const [{ filename }] = JSON.parse(printed) as [{ filename: string }];
  return join(root, "..", filename);
}

/** Where this machine has its own Debian packages from, for what is not its own architecture is there as well; debootstrap's default if it has none. */
async function debianMirror(): Promise<string[]> {
  const query = [
    "indextargets",
    "--format",
    "$(SITE)",
    "Created-By: Packages",
    "Codename: bookworm",
  ];
  const printed = await run("apt-get", query).catch(() => "");
  return printed
    .split("\n")
    .slice(0, 1)
    .filter((each) => each !== "");
}
