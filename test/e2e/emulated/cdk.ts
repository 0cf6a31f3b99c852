import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { Emulator } from "./emulator.ts";
import { account, region } from "./emulator.ts";

const repository = resolve(dirname(fileURLToPath(import.meta.url)), "../../..");
const cdk = join(
  dirname(createRequire(import.meta.url).resolve("aws-cdk/package.json")),
  "bin/cdk",
);

export type Cdk = {
  bootstrap(): Promise<void>;
  /** Deploys the repository's own app; the result is the stack's outputs. */
  deploy(context: Record<string, string>): Promise<Record<string, string>>;
};

/** How this machine reaches a registry: what is bundled for other machines is fetched by npm, under a home directory that knows nothing of it. */
function networkSettings(): Record<string, string> {
  const isWanted = (name: string) => /cert|_ca_|ssl|proxy/i.test(name);
  const inherited = Object.entries(process.env).filter(
    (entry): entry is [string, string] => isWanted(entry[0]) && entry[1] !== undefined,
  );
  return {
    ...Object.fromEntries(inherited),
    npm_config_userconfig: process.env["npm_config_userconfig"] ?? join(homedir(), ".npmrc"),
    npm_config_cache: process.env["npm_config_cache"] ?? join(homedir(), ".npm"),
  };
}

/** The real command line, as a user of the repository has it. */
export function cdkOn(emulator: Emulator, directory: string): Cdk {
  function run(cwd: string, args: readonly string[]): Promise<void> {
    return new Promise((done, failed) => {
      const child = spawn(process.execPath, [cdk, ...args, "--ci"], {
        cwd,
        env: {
          ...networkSettings(),
          ...emulator.environment,
          CI: "true",
          CDK_DISABLE_CLI_TELEMETRY: "true",
        },
        stdio: ["ignore", "pipe", "pipe"],
      });
      let output = "";
      for (const stream of [child.stdout, child.stderr])
        stream.on("data", (chunk: Buffer) => (output = (output + chunk.toString()).slice(-8_000)));
      child.on("error", failed);
      child.on("close", (code) => {
        if (code === 0) done();
        else failed(new Error(`cdk ${args[0]} ended with ${code}: ${output}`));
      });
    });
  }

  return {
    // Where there is no app: it needs none, and would put it together.
    bootstrap: () => run(directory, ["bootstrap", `aws://${account}/${region}`]),
    async deploy(context) {
      const outputs = join(directory, "outputs.json");
      const given = { ...context, emulated: "1", stack: stackName };
      await run(repository, [
        "deploy",
        "--require-approval=never",
        `--outputs-file=${outputs}`,
        `--output=${join(directory, "cdk.out")}`,
        ...Object.entries(given).flatMap(([name, value]) => ["-c", `${name}=${value}`]),
      ]);
      const written = JSON.parse(readFileSync(outputs, "utf8")) as Record<
        string,
        Record<string, string>
      >;
      return written[stackName] ?? {};
    },
  };
}

export const stackName = "Myelin";
