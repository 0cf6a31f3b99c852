// ECS as its callers see it: of tasks the truth, which the emulator does not know, and everything else from the emulator.
import { createServer, request } from "node:http";
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Task } from "./task.ts";
import { described, protect, protectionOf, taskNamed } from "./task.ts";

export type EcsFrontOptions = {
  /** The emulator's. */
  readonly port: number;
  /** All that there are and were. */
  readonly tasks: () => readonly Task[];
  readonly stop: (task: Task) => void;
};

export type EcsFront = {
  readonly endpoint: string;
  close(): Promise<void>;
};

type Asked = Record<string, unknown>;
type Answered = Record<string, unknown>;

export async function startEcsFront(options: EcsFrontOptions): Promise<EcsFront> {
  const server = createServer((incoming, response) => {
    serve(options, incoming, response).catch((error: unknown) => response.destroy(error as Error));
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as AddressInfo;
  return {
    endpoint: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((closed) => {
        server.closeAllConnections();
        server.close(() => closed());
      }),
  };
}

async function serve(
  options: EcsFrontOptions,
  incoming: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const body = await bytesOf(incoming);
  const target = String(incoming.headers["x-amz-target"] ?? "");
  const [, action = ""] = /^AmazonEC2ContainerServiceV\d+\.(\w+)$/.exec(target) ?? [];
  const own = answers[action];
  if (own !== undefined) {
    const answer = own(JSON.parse(body.toString() || "{}") as Asked, options);
    reply(response, { ...answer, headers: {} });
    return;
  }
  const passed = await passOn(options.port, incoming, body);
  if (action !== "DescribeServices" || passed.status !== 200) return reply(response, passed);
  const answer = JSON.parse(passed.body.toString()) as Answered;
  reply(response, { status: 200, headers: {}, body: withCounts(answer, options.tasks()) });
}

type Answer = { readonly status: number; readonly body: Answered };

/** What the emulator has no truth of. */
const answers: Record<string, (asked: Asked, options: EcsFrontOptions) => Answer> = {
  ListTasks({ cluster, serviceName, desiredStatus = "RUNNING" }, { tasks }) {
    const found = tasks().filter(
      (task) =>
        isIn(task, cluster) &&
        task.desiredStatus === desiredStatus &&
        (serviceName === undefined || task.serviceName === nameOf(serviceName)),
    );
    return { status: 200, body: { taskArns: found.map(({ taskArn }) => taskArn) } };
  },
  DescribeTasks: (asked, options) => ofEach(asked, options, (task) => ({ tasks: described(task) })),
  GetTaskProtection: (asked, options) =>
    ofEach(asked, options, (task) => ({ protectedTasks: protectionOf(task) })),
  UpdateTaskProtection(asked, options) {
    const { protectionEnabled, expiresInMinutes = 120 } = asked;
    const isRight = Number(expiresInMinutes) >= 1 && Number(expiresInMinutes) <= 2_880;
    const { length } = asked["tasks"] as string[];
    if (!isRight || length < 1 || length > 10) return refusal("InvalidParameterException");
    return ofEach(asked, options, (task) => {
      protect(task, protectionEnabled === true ? Number(expiresInMinutes) : null);
      return { protectedTasks: protectionOf(task) };
    });
  },
  StopTask(asked, { tasks, stop }) {
    const task = taskNamed(tasks(), String(asked["task"]));
    if (task === undefined || !isIn(task, asked["cluster"]))
      return refusal("InvalidParameterException");
    stop(task);
    return { status: 200, body: { task: described(task) } };
  },
};

/** Lists by name, of each task something; what is asked for and is not there is a failure. */
function ofEach(
  { cluster, tasks: names }: Asked,
  { tasks }: EcsFrontOptions,
  tell: (task: Task) => Record<string, unknown>,
): Answer {
  const body: Record<string, unknown[]> = { failures: [] };
  for (const name of names as string[]) {
    const task = taskNamed(tasks(), name);
    const told =
      task === undefined || !isIn(task, cluster)
        ? { failures: { arn: name, reason: "MISSING" } }
        : tell(task);
    for (const [list, each] of Object.entries(told)) (body[list] ??= []).push(each);
  }
  return { status: 200, body };
}

function refusal(type: string): Answer {
  return { status: 400, body: { __type: type, message: "The data plane of the test says no." } };
}

const nameOf = (nameOrArn: unknown): string => String(nameOrArn).split("/").at(-1) ?? "";

function isIn({ clusterArn }: Task, cluster: unknown): boolean {
  return nameOf(clusterArn) === nameOf(cluster ?? "default");
}

/** The emulator counts tasks of its own, which are nowhere. */
function withCounts(answer: Answered, tasks: readonly Task[]): Answered {
  const services = (answer["services"] as Answered[]).map((service) => {
    const own = tasks.filter(
      (task) =>
        isIn(task, service["clusterArn"]) &&
        task.serviceName === service["serviceName"] &&
        task.desiredStatus === "RUNNING",
    );
    const count = (status: Task["lastStatus"]): number =>
      own.filter(({ lastStatus }) => lastStatus === status).length;
    return { ...service, runningCount: count("RUNNING"), pendingCount: count("PENDING") };
  });
  return { ...answer, services };
}

type Passed = { status: number; headers: OutgoingHttpHeaders; body: Buffer };

function passOn(port: number, incoming: IncomingMessage, body: Buffer): Promise<Passed> {
  const { method, url: path, headers } = incoming;
  return new Promise((resolve, reject) => {
    const outgoing = request({ host: "127.0.0.1", port, method, path, headers }, (answer) => {
      const { statusCode: status = 502, headers: received } = answer;
      bytesOf(answer).then((bytes) => resolve({ status, headers: received, body: bytes }), reject);
    });
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}

function reply(
  response: ServerResponse,
  { status, headers, body }: { status: number; headers: OutgoingHttpHeaders; body: unknown },
): void {
  if (Buffer.isBuffer(body)) {
    response.writeHead(status, headers).end(body);
    return;
  }
  const json = { "content-type": "application/x-amz-json-1.1" };
  response.writeHead(status, json).end(JSON.stringify(body));
}

async function bytesOf(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
