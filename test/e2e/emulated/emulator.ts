// An AWS on loopback (ministack), for one run: everything it is told is in memory, and gone with it.
import { spawn } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { createServer } from "node:net";
import { delimiter, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { clientsDirectory } from "../../clients/places.ts";
import { signedFetch } from "./signed-fetch.ts";

export const region = "us-east-1";
export const account = "000000000000";

const program = join(clientsDirectory, "ministack/bin/ministack");

export type Emulator = {
  readonly port: number;
  readonly endpoint: string;
  /** What a process needs to take it for AWS, and this Node for its own. */
  readonly environment: Record<string, string>;
  fetch(service: string): typeof fetch;
  stop(): Promise<void>;
};

/** Why the whole cannot run here, or null. */
export async function notHere(
  hosts: readonly string[],
  ports: readonly number[],
): Promise<string | null> {
  if (!existsSync(join(clientsDirectory, "ministack/.ready")))
    return "skipped: ministack is not here; with Python, npm run test:clients:prepare fetches it";
  for (const host of hosts)
    for (const port of ports)
      if (!(await isFree(host, port)))
        return `skipped: ${host}:${port} cannot be listened on, and brokers take the ports of their task definition`;
  return null;
}

function isFree(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, host, () => server.close(() => resolve(true)));
  });
}

export type EmulatorOptions = {
  readonly directory: string;
  readonly port: number;
  /** Where its functions find ECS. */
  readonly ecsEndpoint: string;
};

export async function startEmulator(options: EmulatorOptions): Promise<Emulator> {
  const { directory, port, ecsEndpoint } = options;
  const endpoint = `http://127.0.0.1:${port}`;
  const temporary = join(directory, "tmp");
  mkdirSync(temporary, { recursive: true });
  const environment = {
    PATH: [dirname(process.execPath), process.env["PATH"] ?? ""].join(delimiter),
    HOME: directory,
    TMPDIR: temporary,
    AWS_ENDPOINT_URL: endpoint,
    AWS_ACCESS_KEY_ID: account,
    AWS_SECRET_ACCESS_KEY: "local",
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
    AWS_EC2_METADATA_DISABLED: "true",
    CDK_DEFAULT_ACCOUNT: account,
    CDK_DEFAULT_REGION: region,
  };
  // In a group of its own: its functions are processes that outlive it.
  const child = spawn(program, [], {
    cwd: directory,
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      ...environment,
      BIND_HOST: "127.0.0.1",
      GATEWAY_PORT: String(port),
      // Functions inherit it, as the rest of this.
      AWS_ENDPOINT_URL_ECS: ecsEndpoint,
      IOT_MTLS_ENABLED: "0",
      LAMBDA_EXECUTOR: "local",
      S3_PERSIST: "0",
    },
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => (output = (output + chunk.toString()).slice(-20_000)));
  const ended = new Promise<void>((resolve) => {
    child.on("error", () => resolve());
    child.on("close", () => resolve());
  });
  let hasEnded = false;
  void ended.then(() => (hasEnded = true));
  async function stop(): Promise<void> {
    // It does not end on SIGTERM.
    if (child.pid !== undefined && !hasEnded) process.kill(-child.pid, "SIGKILL");
    await ended;
  }
  for (;;) {
    if (hasEnded) throw new Error(`the emulator ended: ${output}`);
    const answer = await fetch(`${endpoint}/_ministack/health`).catch(() => null);
    await answer?.body?.cancel();
    if (answer !== null) break;
    await sleep(100);
  }
  return { port, endpoint, environment, fetch: (service) => signedFetch({ service, port }), stop };
}
