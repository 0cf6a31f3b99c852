import { noAwsEmulationReason } from "../support/aws-emulation.ts";
import type { Architecture } from "./architecture.ts";
import { ownArchitecture } from "./architecture.ts";
import { noBaseImageReason } from "./base-image.ts";
import { findProgram } from "./program.ts";

/** Why no image can be built here, or null. */
export async function notHere(): Promise<string | null> {
  if (process.platform !== "linux") return "skipped: images are built here with buildah, on Linux";
  if (findProgram("buildah") === null)
    return "skipped: there is no buildah to build the image with (Debian: apt-get install buildah)";
  if (process.getuid?.() !== 0) return "skipped: only root can mount and look into what was built";
  return noBaseImageReason();
}

/** Why what was built for an architecture cannot run here, or null. */
export function notRunHere(architecture: Architecture): string | null {
  if (architecture !== ownArchitecture && emulatorOf(architecture) === null)
    return `skipped: the image for ${architecture} is built and not run, for there is no emulator of it (Debian: apt-get install qemu-user-static)`;
  return noAwsEmulationReason();
}

/** What runs programs of an architecture here; null if nothing has to, or nothing can. */
export function emulatorOf(architecture: Architecture): string | null {
  if (architecture === ownArchitecture) return null;
  return findProgram(`qemu-${architecture === "arm64" ? "aarch64" : "x86_64"}-static`);
}
