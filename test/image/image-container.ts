// A container of an image without an engine: its command as its user, with nothing but its own files, none of which can be written but those of its volume,
// as in a task (infra/constructs/broker-task.ts). Processes and the network are the machine's.
import { spawn } from "node:child_process";
import { chownSync, existsSync, mkdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { BrokerContainer } from "../support/broker-container.ts";
import { startBrokerContainer } from "../support/broker-container.ts";
import type { BuiltImage } from "./built-image.ts";

export type ImageContainerOptions = {
  readonly image: BuiltImage;
  /** Has what the image's volume holds, and is kept when the container ends. */
  readonly volume: string;
  readonly environment: Record<string, string>;
  /** The program that runs the image's programs, or null where the machine can. */
  readonly emulator: string | null;
};

/** Mounts are in a namespace of the container's own, and gone with it; what is executed last has the process id of the whole. */
const script = `
root=$1 volume=$2 path=$3 user=$4 emulator=$5; shift 5
mount --bind "$root" "$root"
mount --bind "$volume" "$root$path"
mount --rbind /proc "$root/proc"
mount --rbind /dev "$root/dev"
if [ -n "$emulator" ]; then
  mount -t tmpfs tmpfs "$root/run"
  cp "$emulator" "$root/run/emulator"
  mount -o remount,ro "$root/run"
  set -- /run/emulator "$@"
fi
mount -o remount,bind,ro "$root"
exec chroot --userspec="$user" "$root" "$@"
`;

/** A volume as ECS makes one for a task: empty, of the owner that its place has in the image. */
export function createVolume({ root, config }: BuiltImage, directory: string): void {
  const { uid, gid } = statSync(join(root, volumePath(config)));
  mkdirSync(directory);
  chownSync(directory, uid, gid);
}

/** The image's own command. */
export function startImageContainer(options: ImageContainerOptions): BrokerContainer {
  return startBrokerContainer(environmentOf(options), commandIn(options, options.image.config.Cmd));
}

/** The image's own health check, beside its command: the exit code. */
export function checkHealth(options: ImageContainerOptions): Promise<number | null> {
  const [kind, ...command] = options.image.config.Healthcheck.Test;
  if (kind !== "CMD") throw new Error(`a health check of another kind: ${kind}`);
  const [file = "", ...args] = commandIn(options, command);
  const child = spawn(file, args, {
    env: environmentOf(options),
    stdio: ["ignore", "ignore", "inherit"],
  });
  return new Promise((done) => child.once("close", done));
}

function commandIn(
  { image: { root, config }, volume, emulator }: ImageContainerOptions,
  [name = "", ...args]: readonly string[],
): string[] {
  const path = variablesOf(config.Env)["PATH"] ?? "";
  const program = path.split(":").find((each) => existsSync(join(root, each, name)));
  if (program === undefined) throw new Error(`the image has no ${name}`);
  const place = [root, volume, volumePath(config), userOf(root, config.User), emulator ?? ""];
  const own = ["unshare", "--mount", "--propagation", "private", "sh", "-ec", script, "sh"];
  return [...own, ...place, join(program, name), ...args];
}

function environmentOf({ image, environment }: ImageContainerOptions): Record<string, string> {
  return { ...variablesOf(image.config.Env), ...environment };
}

function variablesOf(lines: readonly string[]): Record<string, string> {
  return Object.fromEntries(lines.map((each) => each.split(/=(.*)/s) as [string, string]));
}

function volumePath({ Volumes }: BuiltImage["config"]): string {
  const [path = "", ...others] = Object.keys(Volumes);
  if (others.length > 0) throw new Error(`more volumes than one: ${others.join(", ")}`);
  return path;
}

/** By number: names are the image's, and this machine has others. */
function userOf(root: string, name: string): string {
  const line = readFileSync(join(root, "etc/passwd"), "utf8")
    .split("\n")
    .find((each) => each.startsWith(`${name}:`));
  const [, , uid, gid] = line?.split(":") ?? [];
  if (uid === undefined || gid === undefined) throw new Error(`the image has no user ${name}`);
  return `${uid}:${gid}`;
}
