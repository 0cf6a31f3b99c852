// Builds images without a daemon and without privileged helpers (buildah, in a storage of its own), as `docker build` does elsewhere.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { repository } from "../../infra/assets/repository.ts";
import { run } from "./program.ts";

/** Survives runs, not `npm ci`. */
export const cache = join(repository, "node_modules/.cache/myelin-image");

/** Plain directories: overlays cannot be had everywhere. */
const storage = [
  "--storage-driver",
  "vfs",
  "--root",
  join(cache, "storage"),
  "--runroot",
  join(cache, "run"),
];

/** One of its commands; resolves with what it prints. */
export function buildah(...args: string[]): Promise<string> {
  mkdirSync(cache, { recursive: true });
  return run("buildah", [...storage, ...args]);
}

/** `chroot` instead of namespaces that a container like CI's does not allow; `docker` because images of the other format know no health check. */
export const buildOptions = ["--isolation", "chroot", "--format", "docker"];
