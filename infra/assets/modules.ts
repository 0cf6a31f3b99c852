import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { repository } from "./repository.ts";

/** Of the machines that will run the code: Linux with glibc, in tasks and in functions. */
export type Architecture = "arm64" | "x64";

type LockEntry = {
  version: string;
  integrity?: string;
  dependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
};

/**
 * Installs packages for another machine than this one, at the versions and with the checksums of the repository's lock file: npm takes native files
 * from packages of their own, one per platform, and has only this machine's here. Kept between runs; throws if npm fails.
 */
export function installModules(
  names: readonly string[],
  architecture: Architecture,
  directory: string,
): void {
  const lock = lockOf(names);
  const key = createHash("sha256")
    .update(JSON.stringify([lock, architecture]))
    .digest("hex");
  const kept = join(repository, "node_modules/.cache/myelin-modules", key.slice(0, 16));
  if (!existsSync(kept)) fetchModules(lock, architecture, kept);
  cpSync(join(kept, "node_modules"), join(directory, "node_modules"), { recursive: true });
}

/** The lock file, but for what these packages do not need. */
function lockOf(names: readonly string[]) {
  const { packages } = JSON.parse(readFileSync(join(repository, "package-lock.json"), "utf8")) as {
    packages: Record<string, LockEntry>;
  };
  const taken: Record<string, LockEntry> = {};
  const wanted = [...names];
  for (let name = wanted.pop(); name !== undefined; name = wanted.pop()) {
    const path = `node_modules/${name}`;
    const entry = packages[path];
    if (entry === undefined) throw new Error(`package-lock.json has no ${name}`);
    if (taken[path] !== undefined) continue;
    taken[path] = entry;
    wanted.push(...Object.keys({ ...entry.dependencies, ...entry.optionalDependencies }));
  }
  const dependencies = Object.fromEntries(
    names.map((name) => [name, taken[`node_modules/${name}`]?.version ?? ""]),
  );
  return { dependencies, packages: taken };
}

const install = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel", "error"];

function fetchModules(
  { dependencies, packages }: ReturnType<typeof lockOf>,
  architecture: Architecture,
  kept: string,
): void {
  mkdirSync(join(kept, ".."), { recursive: true });
  const directory = mkdtempSync(`${kept}-`);
  const manifest = { name: "modules", version: "1.0.0", private: true, dependencies };
  const lock = { ...manifest, lockfileVersion: 3, packages: { "": manifest, ...packages } };
  writeFileSync(join(directory, "package.json"), JSON.stringify(manifest));
  writeFileSync(join(directory, "package-lock.json"), JSON.stringify(lock));
  try {
    execFileSync("npm", [...install, "--os", "linux", "--cpu", architecture, "--libc", "glibc"], {
      cwd: directory,
      stdio: ["ignore", "ignore", "inherit"],
    });
    // Whole or not at all, also beside another process that does the same.
    if (!existsSync(kept)) renameSync(directory, kept);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
