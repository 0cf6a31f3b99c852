import { openApiDoor } from "../tunnel/api-door.ts";
import type { ApiFetch } from "../tunnel/api-request.ts";
import { createAwsCredentials } from "../tunnel/aws-credentials.ts";
import { createDoors } from "../tunnel/doors.ts";
import { createEcsSessions } from "../tunnel/ecs-sessions.ts";
import type { Resolve } from "../tunnel/rewrite-response.ts";
import { SessionError } from "../tunnel/session-error.ts";
import { createSignedFetch } from "../tunnel/signed-fetch.ts";
import { createTokenFetch } from "../tunnel/token-fetch.ts";
import { CliError } from "./failure.ts";
import type { Output } from "./output.ts";
import { tokenOf } from "./token.ts";
import type { TunnelOptions } from "./tunnel-command.ts";

/** Until Ctrl-C. */
export async function keepTunnelOpen(options: TunnelOptions, output: Output): Promise<void> {
  const stop = new AbortController();
  // A terminal that is closed is an end too: sessions are process groups of their own, and would stay.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.once(signal, () => stop.abort());
  if (options.ecsCluster === undefined && options.apiUrl === undefined)
    throw new CliError("Say where to: --ecs-cluster, --api-url, or both.", 2);
  await using opened = new AsyncDisposableStack();
  try {
    const brokers = await openBrokers(options, { opened, output });
    // Without a way to the brokers they stay where the cell says.
    const resolve = brokers?.resolve ?? ((address) => Promise.resolve(address));
    const api = await openApi(options, resolve);
    if (api !== null) opened.defer(() => api.close());
    say(output, {
      cluster: options.ecsCluster ?? null,
      bootstrapServers: brokers?.bootstrapServers ?? null,
      apiUrl: api?.url ?? null,
    });
    await aborted(stop.signal);
  } catch (error) {
    if (error instanceof SessionError) throw new CliError(error.message);
    throw error;
  }
}

type Brokers = { readonly bootstrapServers: string; readonly resolve: Resolve };

async function openBrokers(
  { ecsCluster: cluster, port, kafkaPort, aws, region }: TunnelOptions,
  { opened, output }: { opened: AsyncDisposableStack; output: Output },
): Promise<Brokers | null> {
  if (cluster === undefined) return null;
  const sessions = createEcsSessions({ cluster, region: region ?? null, aws });
  opened.defer(() => sessions.close());
  const doors = createDoors({
    dial: (address) => sessions.dial(address),
    onTrouble: (message) => output.note(message),
  });
  opened.defer(() => doors.close());
  const [first] = await sessions.tasks();
  if (first === undefined)
    throw new CliError(
      `No broker runs in the ECS cluster ${cluster}. Is the region right? If the cell sleeps: a tunnel with --api-url alone needs no broker, and myelin cell wake through it wakes the cell.`,
    );
  // Anew for each connection, for the first broker may be gone by then.
  const dialAny = async () => {
    const [any = first] = await sessions.tasks();
    return sessions.dial({ host: any.host, port: kafkaPort });
  };
  const door = await doors.open(port, dialAny).catch(taken(port, "--port"));
  return {
    bootstrapServers: `${door.host}:${door.port}`,
    resolve: (address) => doors.to(address),
  };
}

async function openApi(options: TunnelOptions, resolve: Resolve) {
  const { apiUrl, httpPort } = options;
  if (apiUrl === undefined) return null;
  const url = URL.canParse(apiUrl) ? new URL(apiUrl) : null;
  if (url === null || !/^https?:$/.test(url.protocol))
    throw new CliError(`"${apiUrl}" is no address: copy the stack's output ApiUrl, https://...`, 2);
  const token = tokenOf(process.env);
  const fetch = token === null ? signing(url, options) : await createTokenFetch(url, token);
  const opening = openApiDoor({ port: httpPort, fetch, resolve });
  return opening.catch(taken(httpPort, "--http-port"));
}

function signing(url: URL, { region = regionOf(url), aws }: TunnelOptions): ApiFetch {
  if (region === undefined)
    throw new CliError(`Say in which --region ${url.host} is: its name does not.`, 2);
  return createSignedFetch({ url, region, credentials: createAwsCredentials(aws) });
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

type Opened = {
  cluster: string | null;
  bootstrapServers: string | null;
  apiUrl: string | null;
};

function say(output: Output, { cluster, bootstrapServers, apiUrl }: Opened): void {
  if (output.isJson) {
    output.json({ bootstrap_servers: bootstrapServers, api_url: apiUrl });
    return;
  }
  output.line(`A tunnel to ${cluster ?? "the HTTP API"} is open.\n`);
  if (bootstrapServers !== null) output.line(`  bootstrap.servers  ${bootstrapServers}`);
  const way = tokenOf(process.env) === null ? "signed for AWS" : "with your token";
  if (apiUrl !== null) output.line(`  HTTP API           ${apiUrl}   (MYELIN_URL), ${way}`);
  output.line("\nCtrl-C ends it.");
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
