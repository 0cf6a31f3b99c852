import { ECSClient } from "@aws-sdk/client-ecs";
import { S3Client } from "@aws-sdk/client-s3";
import { freePorts } from "../../support/free-ports.ts";
import { startEcsFront } from "./ecs-front.ts";
import type { Emulator } from "./emulator.ts";
import { account, region, startEmulator } from "./emulator.ts";
import type { ServiceRunner, ServiceRunnerOptions } from "./service-runner.ts";
import { startServiceRunner } from "./service-runner.ts";
import type { Task } from "./task.ts";

export type EmulatedAwsOptions = Pick<
  ServiceRunnerOptions,
  "directory" | "hosts" | "say" | "choose"
> & {
  /** The emulator's; a free one by default. */
  readonly port?: number;
};

/** An emulator whose ECS has tasks that are processes: what services want runs from `run` on. */
export type EmulatedAws = {
  readonly emulator: Emulator;
  /** ECS, for the clients of it; everything else is at the emulator's own. */
  readonly ecsEndpoint: string;
  readonly client: {
    endpoint: string;
    region: string;
    credentials: { accessKeyId: string; secretAccessKey: string };
  };
  readonly ecs: ECSClient;
  readonly s3: S3Client;
  /** All that there are and were, in the order in which they began. */
  readonly tasks: readonly Task[];
  run(): Promise<ServiceRunner>;
  close(): Promise<void>;
};

export async function startEmulatedAws(options: EmulatedAwsOptions): Promise<EmulatedAws> {
  const [freePort = 0] = options.port === undefined ? await freePorts(1) : [];
  const port = options.port ?? freePort;
  const tasks: Task[] = [];
  let runner: ServiceRunner | null = null;
  await using opened = new AsyncDisposableStack();
  // Before the emulator: its functions are told where it is.
  const front = await startEcsFront({
    port,
    tasks: () => tasks,
    stop: (task) => runner?.stop(task),
  });
  opened.defer(() => front.close());
  const { directory } = options;
  const emulator = await startEmulator({ directory, port, ecsEndpoint: front.endpoint });
  opened.defer(() => emulator.stop());
  const client = {
    endpoint: emulator.endpoint,
    region,
    credentials: { accessKeyId: account, secretAccessKey: "local" },
  };
  const s3 = new S3Client({ ...client, forcePathStyle: true });
  opened.defer(() => runner?.close());
  const open = opened.move();
  return {
    emulator,
    ecsEndpoint: front.endpoint,
    client,
    ecs: new ECSClient({ ...client, endpoint: front.endpoint }),
    s3,
    tasks,
    async run() {
      const ecs = new ECSClient(client);
      runner = await startServiceRunner({ ...options, ecs, s3, emulator, tasks });
      return runner;
    },
    close: () => open.disposeAsync(),
  };
}
