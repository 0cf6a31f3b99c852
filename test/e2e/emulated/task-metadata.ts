// What ECS gives each of its containers on its own machine: an endpoint that says where it is, and one that spares its task.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Task } from "./task.ts";
import { protect, protectionOf, taskNamed } from "./task.ts";

export type TaskMetadata = {
  environmentOf(task: Task): Record<string, string>;
  close(): Promise<void>;
};

export async function startTaskMetadata(tasks: () => readonly Task[]): Promise<TaskMetadata> {
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => {
      const answer = answerTo(tasks(), { path: request.url ?? "", method: request.method, body });
      if (answer === null) response.writeHead(404).end();
      else {
        response.writeHead(200, { "content-type": "application/json" });
        response.end(JSON.stringify(answer));
      }
    });
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as AddressInfo;
  return {
    environmentOf({ taskArn }) {
      const id = taskArn.split("/").at(-1);
      return {
        ECS_CONTAINER_METADATA_URI_V4: `http://127.0.0.1:${port}/v4/${id}`,
        ECS_AGENT_URI: `http://127.0.0.1:${port}/agent/${id}`,
      };
    },
    close: () =>
      new Promise((closed) => {
        server.closeAllConnections();
        server.close(() => closed());
      }),
  };
}

type Asked = { readonly path: string; readonly method: string | undefined; readonly body: string };

function answerTo(tasks: readonly Task[], { path, method, body }: Asked): object | null {
  const [, endpoint, id = "", rest] = /^\/(v4|agent)\/(\w+)(\/.*)?$/.exec(path) ?? [];
  const task = taskNamed(tasks, id);
  if (task === undefined) return null;
  if (endpoint === "agent") {
    if (rest !== "/task-protection/v1/state") return null;
    if (method === "PUT") {
      type Wanted = { ProtectionEnabled: boolean; ExpiresInMinutes?: number };
      const wanted = JSON.parse(body) as Wanted;
      protect(task, wanted.ProtectionEnabled ? (wanted.ExpiresInMinutes ?? 120) : null);
    }
    const { protectionEnabled: ProtectionEnabled } = protectionOf(task);
    return { protection: { ProtectionEnabled, TaskArn: task.taskArn } };
  }
  return rest === "/task"
    ? { AvailabilityZone: task.zone, TaskARN: task.taskArn }
    : { Networks: [{ NetworkMode: "awsvpc", IPv4Addresses: [task.host] }] };
}
