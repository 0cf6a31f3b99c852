// npm run emulated: an AWS on this machine to deploy to by hand. It says what to paste; brokers are started as the deployed services want them.
import { setTimeout as sleep } from "node:timers/promises";
import { ECSClient } from "@aws-sdk/client-ecs";
import { S3Client } from "@aws-sdk/client-s3";
import { temporaryDirectory } from "../../support/temporary-directory.ts";
import { account, notHere, region, startEmulator } from "./emulator.ts";
import { createServiceRunner } from "./service-runner.ts";

const port = 4566;
/** One for each zone of the largest profile. */
const hosts = ["127.0.0.1", "127.0.0.2", "127.0.0.3"];
const lookMs = 1_000;

const reason = await notHere(hosts, [9092, 9640]);
if (reason !== null) {
  console.error(reason.replace("skipped: ", ""));
  process.exit(1);
}

const stopping = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stopping.abort());

await using opened = new AsyncDisposableStack();
const directory = opened.use(temporaryDirectory());
const emulator = await startEmulator(directory.path, port);
opened.defer(() => emulator.stop());
const client = {
  endpoint: emulator.endpoint,
  region,
  credentials: { accessKeyId: account, secretAccessKey: "local" },
};
const runner = await createServiceRunner({
  ecs: new ECSClient(client),
  s3: new S3Client({ ...client, forcePathStyle: true }),
  emulator,
  hosts,
  directory: directory.path,
  say: console.log,
});
opened.defer(() => runner.close());

const architecture = process.arch === "arm64" ? "arm64" : "x64";
console.log(`An AWS is at ${emulator.endpoint}, and nothing of it outlives this process. In another terminal:

  export AWS_ENDPOINT_URL=${emulator.endpoint} AWS_REGION=${region}
  export AWS_ACCESS_KEY_ID=${account} AWS_SECRET_ACCESS_KEY=local
  export CDK_DEFAULT_ACCOUNT=${account} CDK_DEFAULT_REGION=${region}
  npx cdk bootstrap
  npm run deploy -- -c profile=dev -c topics=orders:6 -c emulated=1 -c architecture=${architecture} --require-approval=never

The API takes signed requests only; with the output ApiId, in a third one (the same exports):

  npx --no myelin tunnel --region ${region} --api-url ${emulator.endpoint}/_aws/execute-api/API_ID

and then, as on a laptop:

  npx --no myelin topic list --cluster main
  echo hello | npx --no myelin produce orders --cluster main
  npx --no myelin consume orders --from-beginning --cluster main

Ctrl-C ends it all.`);

while (!stopping.signal.aborted) {
  await runner.look();
  await sleep(lookMs, undefined, { signal: stopping.signal }).catch(() => undefined);
}
