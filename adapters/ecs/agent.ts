// The two things of ECS that a task asks for inside itself, without credentials: what the metadata endpoint knows of it, and to be left running for now.
import { z } from "zod";

/** ECS was asked for something and did not give it. */
export class EcsAgentError extends Error {
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = "EcsAgentError";
  }
}

export type TaskPlace = {
  /** The availability zone's name, such as eu-central-1a. */
  readonly zone: string;
  /** The task's private IPv4 address. */
  readonly host: string;
  readonly taskArn: string;
};

const taskShape = z.object({ AvailabilityZone: z.string().min(1), TaskARN: z.string().min(1) });
const containerShape = z.object({
  Networks: z.tuple(
    [z.object({ IPv4Addresses: z.tuple([z.string().min(1)], z.string()) })],
    z.unknown(),
  ),
});

/**
 * Where this task runs, as the task metadata endpoint (version 4) has it: `uri` is ECS_CONTAINER_METADATA_URI_V4. Throws EcsAgentError.
 * https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-metadata-endpoint-v4-fargate.html
 */
export async function readTaskPlace(uri: string): Promise<TaskPlace> {
  const [task, container] = await Promise.all([
    ask(`${uri}/task`, taskShape),
    ask(uri, containerShape),
  ]);
  return {
    zone: task.AvailabilityZone,
    host: container.Networks[0].IPv4Addresses[0],
    taskArn: task.TaskARN,
  };
}

const protectionShape = z.object({ protection: z.object({ ProtectionEnabled: z.boolean() }) });

/**
 * Has ECS spare this task in deployments and when it scales in, for so many minutes (1 to 2,880); null: no longer. `uri` is ECS_AGENT_URI. Throws
 * EcsAgentError. https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-scale-in-protection-endpoint.html
 */
export async function protectTask(uri: string, minutes: number | null): Promise<void> {
  const wanted =
    minutes === null
      ? { ProtectionEnabled: false }
      : { ProtectionEnabled: true, ExpiresInMinutes: minutes };
  const url = `${uri}/task-protection/v1/state`;
  const { protection } = await ask(url, protectionShape, {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(wanted),
  });
  if (protection.ProtectionEnabled !== wanted.ProtectionEnabled)
    throw new EcsAgentError(`${url} leaves the task as it was`);
}

/** The endpoint is on the same machine, and throttled: an answer takes milliseconds, or something is wrong. */
const callLimitMs = 5_000;

async function ask<Shape extends z.ZodType>(
  url: string,
  shape: Shape,
  init: RequestInit = {},
): Promise<z.infer<Shape>> {
  let status: number;
  let body: string;
  try {
    const response = await fetch(url, { ...init, signal: AbortSignal.timeout(callLimitMs) });
    status = response.status;
    body = await response.text();
  } catch (error) {
    throw new EcsAgentError(`${url} does not answer`, { cause: error });
  }
  const read = shape.safeParse(parsed(body));
  if (status === 200 && read.success) return read.data;
  // Of a refusal the body says why: {"error": {"Code", "Message"}} or {"failure": {"Reason"}}.
  throw new EcsAgentError(`${url} answers ${status} ${body.slice(0, 500)}`);
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return null; // The caller shows what it was instead.
  }
}
