import { openApiDoor } from "../tunnel/api-door.ts";
import { createAwsCredentials } from "../tunnel/aws-credentials.ts";
import type { Doors } from "../tunnel/doors.ts";
import { createDoors } from "../tunnel/doors.ts";
import type { EcsSessions } from "../tunnel/ecs-sessions.ts";
import { createEcsSessions } from "../tunnel/ecs-sessions.ts";
import { SessionError } from "../tunnel/session-error.ts";
import { createSignedFetch } from "../tunnel/signed-fetch.ts";
import { CliError } from "./failure.ts";
import type { Output } from "./output.ts";
import type { TunnelOptions } from "./tunnel-command.ts";

/** Until Ctrl-C. */
export async function keepTunnelOpen(options: TunnelOptions, output: Output): Promise<void> {
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort());
  const { ecsCluster: cluster, aws, region = null } = options;
  await using opened = new AsyncDisposableStack();
  const sessions = createEcsSessions({ cluster, region, aws });
  opened.defer(() => sessions.close());
  const doors = createDoors({
    dial: (address) => sessions.dial(address),
    onTrouble: (message) => output.note(message),
  });
  opened.defer(() => doors.close());
  try {
    const bootstrapServers = await openBootstrap(options, { sessions, doors });
    const api = await openApi(options, doors);
    if (api !== null) opened.defer(() => api.close());
    say(output, { cluster, bootstrapServers, apiUrl: api?.url ?? null });
    await aborted(stop.signal);
  } catch (error) {
    if (error instanceof SessionError) throw new CliError(error.message);
    throw error;
  }
}

async function openBootstrap(
  { ecsCluster, port, kafkaPort }: TunnelOptions,
  { sessions, doors }: { sessions: EcsSessions; doors: Doors },
): Promise<string> {
  const [first] = await sessions.tasks();
  if (first === undefined)
    throw new CliError(
      `No broker runs in the ECS cluster ${ecsCluster}. Is the region right, or does the cell sleep?`,
    );
  // Anew for each connection, for the first broker may be gone by then.
  const dialAny = async () => {
    const [any = first] = await sessions.tasks();
    return sessions.dial({ host: any.host, port: kafkaPort });
  };
  const opened = await doors.open(port, dialAny).catch(taken(port, "--port"));
  return `${opened.host}:${opened.port}`;
}

async function openApi({ apiUrl, httpPort, region, aws }: TunnelOptions, doors: Doors) {
  if (apiUrl === undefined) return null;
  const url = new URL(apiUrl);
  const signedFor = region ?? regionOf(url);
  if (signedFor === undefined)
    throw new CliError(`Say in which --region ${url.host} is: its name does not.`, 2);
  const fetch = createSignedFetch({
    url,
    region: signedFor,
    credentials: createAwsCredentials(aws),
  });
  const opening = openApiDoor({ port: httpPort, fetch, resolve: (address) => doors.to(address) });
  return opening.catch(taken(httpPort, "--http-port"));
}

/** `<id>.execute-api.<region>.amazonaws.com` */
function regionOf({ hostname }: URL): string | undefined {
  return /\.execute-api\.([a-z0-9-]+)\./.exec(hostname)?.[1];
}

function taken(port: number, option: string): (error: unknown) => never {
  return (error) => {
    throw new CliError(
      `Port ${port} cannot be had: ${(error as Error).message}. Choose another with ${option}.`,
    );
  };
}

type Opened = { cluster: string; bootstrapServers: string; apiUrl: string | null };

function say(output: Output, { cluster, bootstrapServers, apiUrl }: Opened): void {
  if (output.isJson) {
    output.json({ bootstrap_servers: bootstrapServers, api_url: apiUrl });
    return;
  }
  output.line(`A tunnel to ${cluster} is open.\n`);
  output.line(`  bootstrap.servers  ${bootstrapServers}`);
  if (apiUrl !== null) output.line(`  HTTP API           ${apiUrl}   (MYELIN_URL)`);
  output.line("\nCtrl-C ends it.");
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
