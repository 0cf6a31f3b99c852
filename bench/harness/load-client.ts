import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { endsWithUs, limitTime } from "./children.ts";
import type { Buckets } from "./histogram.ts";

export const benchDirectory = resolve(dirname(fileURLToPath(import.meta.url)), "..");
/** Binaries, downloaded packages, data and results; not in git. */
export const workDirectory = resolve(benchDirectory, "../.bench");

export type Program = { readonly path: string; readonly tool: string };
export type Absent = { readonly missing: string };

/** What a client says while it runs; bench/clients/measure.h prints it. */
export type ClientEvent =
  | { readonly event: "begin" }
  | { readonly event: "measured" }
  | { readonly event: "tick"; readonly records: number; readonly bytes: number }
  | ClientResult;

export type ClientResult = {
  readonly event: "end";
  readonly seconds: number;
  readonly records: number;
  readonly bytes: number;
  readonly clientCpuSeconds: number;
  readonly failed: number;
  readonly error: string;
  readonly consumed?: number;
  readonly acknowledgedUs?: Buckets;
  readonly receivedUs?: Buckets;
};

const isNewer = (target: string, sources: readonly string[]): boolean =>
  existsSync(target) &&
  sources.every((source) => statSync(source).mtimeMs < statSync(target).mtimeMs);

/** Compiles a C program of bench/ if its source is newer than the binary. */
export function compile(source: string, flags: readonly string[] = []): Program | Absent {
  const compiler = process.env["CC"] ?? "cc";
  const path = join(workDirectory, "bin", source.replaceAll("/", "-").replace(/\.c$/, ""));
  const header = join(benchDirectory, "clients/measure.h");
  mkdirSync(dirname(path), { recursive: true });
  if (isNewer(path, [join(benchDirectory, source), header])) return { path, tool: source };
  const command = ["-O2", "-D_GNU_SOURCE", join(benchDirectory, source), "-o", path, ...flags];
  const { status, error, stderr } = spawnSync(compiler, [...command, "-lpthread", "-lm"], {
    encoding: "utf8",
  });
  if (error !== undefined) return { missing: `no C compiler (${compiler}) here` };
  if (status !== 0) return { missing: `${source} does not compile: ${stderr.trim()}` };
  return { path, tool: source };
}

/** The client on librdkafka: with the library installed, or on Debian with its packages unpacked beside the other binaries, or not at all. */
export function librdkafkaClient(): Program | Absent {
  const flags = installedFlags() ?? unpackedFlags();
  if (flags === null)
    return {
      missing: "no librdkafka here (Debian: librdkafka-dev, macOS: brew install librdkafka)",
    };
  const program = compile("clients/rdkafka-load.c", flags);
  if ("missing" in program) return program;
  const { stdout, status } = spawnSync(program.path, ["version"], { encoding: "utf8" });
  if (status !== 0) return { missing: "the librdkafka client does not start" };
  return { path: program.path, tool: stdout.trim() };
}

function installedFlags(): string[] | null {
  const found = spawnSync("pkg-config", ["--cflags", "--libs", "rdkafka"], { encoding: "utf8" });
  return found.status === 0 ? found.stdout.trim().split(/\s+/) : null;
}

function unpackedFlags(): string[] | null {
  const directory = join(workDirectory, "librdkafka");
  const library = join(directory, "usr/lib/x86_64-linux-gnu");
  if (!existsSync(join(directory, "usr/include/librdkafka/rdkafka.h"))) {
    mkdirSync(directory, { recursive: true });
    const unpack = `apt-get download librdkafka-dev librdkafka1 && for each in *.deb; do dpkg -x "$each" . || exit 1; done`;
    if (spawnSync("sh", ["-c", unpack], { cwd: directory, stdio: "ignore" }).status !== 0)
      return null;
  }
  return [`-I${directory}/usr/include`, `-L${library}`, `-Wl,-rpath,${library}`, "-lrdkafka"];
}

/** The client that speaks the protocol itself, with batches made once: it costs next to nothing, where librdkafka would be the bottleneck. */
export const wireClient = (): Program | Absent => {
  const program = compile("clients/wire-load.c");
  return "missing" in program ? program : { ...program, tool: "wire-load (bench/clients)" };
};

/** Runs one mode of a client; rejects if it ends without a result, or is not done after `limitSeconds`. */
export async function runClient(
  program: Program,
  mode: string,
  run: {
    readonly options: Readonly<Record<string, string | number>>;
    readonly limitSeconds: number;
    readonly onEvent?: (event: ClientEvent) => void;
  },
): Promise<ClientResult> {
  const words = Object.entries(run.options).map(([name, value]) => `${name}=${value}`);
  const child = spawn(program.path, [mode, ...words], { stdio: ["ignore", "pipe", "pipe"] });
  endsWithUs(child);
  let complaints = "";
  limitTime(child, run.limitSeconds, () => {
    complaints += `not done after ${run.limitSeconds} s`;
  });
  child.stderr.on("data", (chunk: Buffer) => {
    if (complaints.length < 4000) complaints += chunk.toString();
  });
  let last: ClientResult | null = null;
  const lines = createInterface({ input: child.stdout });
  lines.on("line", (line) => {
    const event = JSON.parse(line) as ClientEvent;
    if (event.event === "end") last = event;
    run.onEvent?.(event);
  });
  const linesRead = new Promise((done) => lines.once("close", done));
  const ended = new Promise<number | null>((done, failed) =>
    child.once("close", done).once("error", failed),
  );
  const [code] = await Promise.all([ended, linesRead]);
  if (last === null)
    throw new Error(`${program.tool} ${mode} ended with ${code}: ${complaints.trim()}`);
  return last;
}

/** Runs a mode that prints nothing, such as creating a topic. */
export function runSilently(
  program: Program,
  mode: string,
  options: Readonly<Record<string, string | number>>,
): void {
  const words = Object.entries(options).map(([name, value]) => `${name}=${value}`);
  const { status, stderr } = spawnSync(program.path, [mode, ...words], {
    encoding: "utf8",
    timeout: 60_000,
  });
  if (status !== 0) throw new Error(`${mode} ${words.join(" ")}: ${stderr.trim()}`);
}
