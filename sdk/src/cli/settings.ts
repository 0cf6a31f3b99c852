import { CliError } from "./failure.ts";

/** Where the commands work. */
export type Settings = {
  /** Address of the control plane. */
  readonly url: string;
  /** The address is from the working directory's file, which may be anybody's: of a repository that was cloned. */
  readonly isUrlFromHere: boolean;
  /** Name or id of the cluster; null: the one that `myelin dev` makes, or the only one there is. */
  readonly cluster: string | null;
};

export type SettingSources = {
  readonly flags: {
    readonly url?: string | undefined;
    readonly cluster?: string | undefined;
    readonly profile?: string | undefined;
  };
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The file's text, or null if there is none. */
  readonly readFile: (path: string) => string | null;
  /** `./myelin.json`, then the one in the user's config directory. */
  readonly files: readonly string[];
};

const usualUrl = "http://127.0.0.1:8080";

type Profile = { url?: string; cluster?: string };
type SettingsFile = Profile & { profile?: string; profiles?: Record<string, Profile> };

/** By precedence: flag, environment, `./myelin.json`, the user's file, default. Within a file the chosen profile comes before what stands beside it. */
export function resolveSettings({ flags, environment, readFile, files }: SettingSources): Settings {
  const read = files.map((path) => ({ path, content: parse(path, readFile(path)) }));
  const profile =
    flags.profile ??
    filled(environment["MYELIN_PROFILE"]) ??
    read.find(({ content }) => content.profile !== undefined)?.content.profile;
  const [layersHere = [], ...layersOfUser] = read.map(({ content }): Profile[] => [
    profile === undefined ? {} : (content.profiles?.[profile] ?? {}),
    content,
  ]);
  const layers: Profile[] = [
    flags as Profile,
    environmentProfile(environment),
    ...layersHere,
    ...layersOfUser.flat(),
  ];
  if (profile !== undefined && !read.some(({ content }) => content.profiles?.[profile])) {
    const known = [...new Set(read.flatMap(({ content }) => Object.keys(content.profiles ?? {})))];
    const there = known.length === 0 ? `none is set up in ${files.join(" or ")}` : known.join(", ");
    throw new CliError(`There is no profile "${profile}"; there is: ${there}.`, 2);
  }
  const from = layers.find(({ url }) => url !== undefined);
  return {
    url: from?.url ?? usualUrl,
    isUrlFromHere: from !== undefined && layersHere.includes(from),
    cluster: first(layers, "cluster") ?? null,
  };
}

function environmentProfile(environment: SettingSources["environment"]): Profile {
  const url = filled(environment["MYELIN_URL"]);
  const cluster = filled(environment["MYELIN_CLUSTER"]);
  return {
    ...(url === undefined ? {} : { url }),
    ...(cluster === undefined ? {} : { cluster }),
  };
}

function filled(value: string | undefined): string | undefined {
  return value === "" ? undefined : value;
}

function first(layers: readonly Profile[], name: keyof Profile): string | undefined {
  for (const layer of layers) if (layer[name] !== undefined) return layer[name];
  return undefined;
}

function parse(path: string, text: string | null): SettingsFile {
  if (text === null) return {};
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (error) {
    throw new CliError(`${path} is not JSON: ${(error as Error).message}. Mend or remove it.`, 2);
  }
  if (typeof content !== "object" || content === null || Array.isArray(content))
    throw new CliError(`${path} must hold a JSON object with url, cluster, profiles.`, 2);
  checkStrings(path, "", content as Record<string, unknown>);
  const { profiles } = content as { profiles?: unknown };
  if (profiles !== undefined && (typeof profiles !== "object" || profiles === null))
    throw new CliError(`profiles in ${path} must be an object of named profiles.`, 2);
  for (const [name, profile] of Object.entries(profiles ?? {}))
    checkStrings(path, `profiles.${name}.`, profile as Record<string, unknown>);
  return content as SettingsFile;
}

function checkStrings(path: string, where: string, values: Record<string, unknown>): void {
  if (values?.["token"] !== undefined)
    throw new CliError(
      `${where}token in ${path} is not read, for files get around. Remove it, and set MYELIN_TOKEN.`,
      2,
    );
  for (const name of ["url", "cluster", "profile"]) {
    const value = values?.[name];
    if (value !== undefined && typeof value !== "string")
      throw new CliError(`${where}${name} in ${path} must be text.`, 2);
  }
}
