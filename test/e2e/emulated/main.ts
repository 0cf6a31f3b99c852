// npm run emulated: an AWS on this machine to deploy to by hand. It says what to paste; brokers are started as the deployed services want them.
import { once } from "node:events";
import { temporaryDirectory } from "../../support/temporary-directory.ts";
import { startEmulatedAws } from "./emulated-aws.ts";
import { account, notHere, region } from "./emulator.ts";

const port = 4566;
/** For four brokers in each zone of the largest profile, as many as `standard` allows. */
const hosts = Array.from({ length: 12 }, (_, index) => `127.0.0.${index + 1}`);

const reason = await notHere(hosts, [9092, 9640]);
if (reason !== null) {
  console.error(reason.replace("skipped: ", ""));
  process.exit(1);
}

const stopping = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stopping.abort());

await using opened = new AsyncDisposableStack();
const directory = opened.use(temporaryDirectory());
const aws = await startEmulatedAws({ directory: directory.path, hosts, port, say: console.log });
opened.defer(() => aws.close());
const { emulator } = aws;
await aws.run();

const architecture = process.arch === "arm64" ? "arm64" : "x64";
console.log(`An AWS is at ${emulator.endpoint}, and nothing of it outlives this process. In another terminal:

  export AWS_ENDPOINT_URL=${emulator.endpoint} AWS_REGION=${region}
  export AWS_ENDPOINT_URL_ECS=${aws.ecsEndpoint}
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

if (!stopping.signal.aborted) await once(stopping.signal, "abort");
