// Servers that speak S3, as processes of their own on loopback: versitygw over a directory, and ministack, in memory. `npm run test:clients:prepare`
// puts both under .clients.
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { CreateBucketCommand } from "@aws-sdk/client-s3";
import type { S3Client } from "@aws-sdk/client-s3";
import { createS3Client } from "../../adapters/s3/client.ts";
import { clientsDirectory } from "../clients/places.ts";
import { freePorts } from "./free-ports.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

export type S3Server = {
  readonly pid: number;
  readonly port: number;
  /** A client as of another process; `port`, where it is not to go to the server directly. */
  connect(port?: number): S3Client;
  stop(): Promise<void>;
};

export type S3ServerProgram = {
  readonly name: string;
  /** Why it cannot run here, or null. */
  unavailable(): string | null;
  /** With an empty bucket of that name. */
  start(bucket: string): Promise<S3Server>;
};

const accessKey = "loopback";
const secretKey = "loopback-secret";

export const versitygw = program({
  name: "versitygw",
  folder: "versitygw",
  needs: "Go",
  command: (port, directory) => ({
    file: join(clientsDirectory, "versitygw/versitygw"),
    args: ["--port", `127.0.0.1:${port}`, "--quiet", "posix", directory],
    environment: { ROOT_ACCESS_KEY: accessKey, ROOT_SECRET_KEY: secretKey },
  }),
});

export const ministack = program({
  name: "ministack",
  folder: "ministack",
  needs: "Python",
  command: (port) => ({
    file: join(clientsDirectory, "ministack/bin/ministack"),
    args: [],
    environment: {
      BIND_HOST: "127.0.0.1",
      GATEWAY_PORT: String(port),
      IOT_MTLS_ENABLED: "0",
      LAMBDA_EXECUTOR: "local",
      S3_PERSIST: "0",
    },
  }),
});

type Command = { file: string; args: string[]; environment: Record<string, string> };

function program({
  name,
  folder,
  needs,
  command,
}: {
  name: string;
  folder: string;
  needs: string;
  command: (port: number, directory: string) => Command;
}): S3ServerProgram {
  return {
    name,
    unavailable: () =>
      existsSync(join(clientsDirectory, folder, ".ready"))
        ? null
        : `skipped: ${name} is not here; with ${needs}, npm run test:clients:prepare fetches it`,
    async start(bucket) {
      const directory = temporaryDirectory();
      const [port = 0] = await freePorts(1);
      const { file, args, environment } = command(port, directory.path);
      const child = spawn(file, args, {
        cwd: directory.path,
        env: { PATH: process.env["PATH"], HOME: directory.path, ...environment },
        stdio: ["ignore", "pipe", "pipe"],
      });
      const server = serverOf(child, port, () => directory[Symbol.dispose]());
      await server.ready(bucket);
      return server;
    },
  };
}

function serverOf(
  child: ChildProcess,
  port: number,
  cleanUp: () => void,
): S3Server & { ready(bucket: string): Promise<void> } {
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on("data", (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-4_000);
    });
  }
  let hasEnded = false;
  const ended = new Promise<void>((resolve) => {
    child.on("error", (error) => {
      output += error.message;
      hasEnded = true;
      resolve();
    });
    child.on("close", () => {
      hasEnded = true;
      resolve();
    });
  });
  const clients: S3Client[] = [];
  const connect = (throughPort = port): S3Client => {
    const client = createS3Client({
      endpoint: `http://127.0.0.1:${throughPort}`,
      region: "us-east-1",
      forcePathStyle: true,
      credentials: { accessKeyId: accessKey, secretAccessKey: secretKey },
    });
    clients.push(client);
    return client;
  };
  async function stop(): Promise<void> {
    for (const client of clients) client.destroy();
    // ministack does not end on SIGTERM.
    child.kill("SIGKILL");
    await ended;
    cleanUp();
  }
  return {
    pid: child.pid ?? 0,
    port,
    connect,
    stop,
    async ready(bucket) {
      const client = connect();
      for (;;) {
        try {
          await client.send(new CreateBucketCommand({ Bucket: bucket }));
          return;
        } catch (error) {
          if (hasEnded) {
            await stop();
            throw new Error(`the S3 server ended: ${output}`, { cause: error });
          }
          await new Promise((resolve) => setTimeout(resolve, 100));
        }
      }
    },
  };
}
