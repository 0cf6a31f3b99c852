import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import type { Command } from "commander";
import type { Cluster } from "../cluster.ts";
import type { Myelin } from "../myelin.ts";
import { CliError } from "./failure.ts";
import type { Output } from "./output.ts";
import { createOutput } from "./output.ts";
import type { Settings } from "./settings.ts";
import { resolveSettings } from "./settings.ts";
import { isWithinMachine } from "../control/bearer-token.ts";
import { tokenOf } from "./token.ts";

/** What a command works with. */
export type Context = {
  readonly output: Output;
  readonly settings: Settings;
  readonly myelin: Myelin;
  /** The cluster the settings name. */
  readonly cluster: () => Promise<Cluster>;
};

type GlobalFlags = { url?: string; cluster?: string; profile?: string; json?: boolean };

/** The cluster `myelin dev` makes. */
const usualCluster = "dev";

export async function contextOf(command: Command): Promise<Context> {
  const flags = command.optsWithGlobals<GlobalFlags>();
  const settings = resolveSettings({
    flags,
    environment: process.env,
    files: ["myelin.json", join(configDirectory(), "config.json")],
    readFile,
  });
  const url = checkUrl(settings.url);
  // Loaded only here: the Kafka client takes 200 ms and 30 MB that `myelin dev` and --help have no use for.
  const { Myelin } = await import("../myelin.ts");
  const token = tokenOf(process.env);
  if (token !== null && settings.isUrlFromHere && !isWithinMachine(url))
    throw new CliError(
      `MYELIN_TOKEN is not sent to ${url}, which is from ./myelin.json: a file that comes with a directory could send it anywhere. Say where with --url or MYELIN_URL.`,
      2,
    );
  const myelin = new Myelin({ url, ...(token === null ? {} : { token }) });
  return {
    output: createOutput(flags.json === true),
    settings,
    myelin,
    cluster: () => findCluster(myelin, settings),
  };
}

async function findCluster(myelin: Myelin, { cluster: wanted }: Settings): Promise<Cluster> {
  const clusters = await myelin.clusters.list();
  const named = clusters.map(({ name }) => name).join(", ");
  if (wanted !== null) {
    const found = clusters.find(({ id, name }) => id === wanted || name === wanted);
    if (found !== undefined) return found;
    throw new CliError(`There is no cluster "${wanted}"; there is: ${named || "none"}.`);
  }
  const usual = clusters.find(({ name }) => name === usualCluster) ?? clusters[0];
  if (usual === undefined)
    throw new CliError("There is no cluster. Make one with: myelin cluster create NAME");
  if (clusters.length > 1 && usual.name !== usualCluster)
    throw new CliError(`There are several clusters: ${named}. Choose one with --cluster.`, 2);
  return usual;
}

function checkUrl(url: string): string {
  if (/^https?:$/.test(URL.parse(url)?.protocol ?? "")) return url;
  throw new CliError(`"${url}" is not an address: write http://host:port.`, 2);
}

/** Where the platform keeps a user's settings. */
export function configDirectory(): string {
  const base = process.env["XDG_CONFIG_HOME"] ?? process.env["APPDATA"];
  return join(base === undefined || base === "" ? join(homedir(), ".config") : base, "myelin");
}

function readFile(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw new CliError(`${path} cannot be read: ${(error as Error).message}.`);
  }
}
