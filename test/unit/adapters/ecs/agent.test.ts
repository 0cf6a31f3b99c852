import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { protectTask, readTaskPlace } from "../../../../adapters/ecs/agent.ts";

let server: Server | null = null;

afterEach(() => {
  server?.closeAllConnections();
  server?.close();
  server = null;
});

type Answer = { status?: number; body: unknown };
type Asked = { method: string; url: string; body: string };

/** An agent that answers by path, and what it was asked. */
async function agent(answers: Record<string, Answer>): Promise<{ uri: string; asked: Asked[] }> {
  const asked: Asked[] = [];
  server = createServer((request: IncomingMessage, response: ServerResponse) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => {
      const { method = "", url = "" } = request;
      asked.push({ method, url, body });
      const answer = answers[url] ?? { status: 404, body: "no such thing" };
      response.statusCode = answer.status ?? 200;
      response.end(typeof answer.body === "string" ? answer.body : JSON.stringify(answer.body));
    });
  });
  await new Promise<void>((listening) => server?.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as AddressInfo;
  return { uri: `http://127.0.0.1:${port}/v4/task-1`, asked };
}

// Shortened from the examples of the ECS developer guide.
const container = {
  DockerId: "ea32192c8553fbff06c9340478a2ff089b2bb5646fb718b4ee206641c9086d66",
  Name: "broker",
  Networks: [{ NetworkMode: "awsvpc", IPv4Addresses: ["10.0.2.106"], AttachmentIndex: 0 }],
};
const task = {
  Cluster: "default",
  TaskARN: "arn:aws:ecs:us-west-2:111122223333:task/default/158d1c8083dd49d6b527399fd6414f5c",
  Family: "broker",
  AvailabilityZone: "us-west-2d",
  Containers: [container],
};

test("the task metadata endpoint says zone and address", async () => {
  const { uri } = await agent({
    "/v4/task-1": { body: container },
    "/v4/task-1/task": { body: task },
  });
  expect(await readTaskPlace(uri)).toEqual({
    zone: "us-west-2d",
    host: "10.0.2.106",
    taskArn: task.TaskARN,
  });
});

test.each<[string, Answer, string]>([
  ["a failure", { status: 500, body: "busy" }, "answers 500 busy"],
  ["no address", { body: { ...container, Networks: [] } }, "answers 200"],
  ["no JSON", { body: "<html>" }, "answers 200 <html>"],
])("%s of the endpoint is told as it came", async (_what, answer, message) => {
  const { uri } = await agent({ "/v4/task-1": answer, "/v4/task-1/task": { body: task } });
  await expect(readTaskPlace(uri)).rejects.toMatchObject({
    name: "EcsAgentError",
    message: expect.stringContaining(message),
  });
});

test("an endpoint that is not there is told as one", async () => {
  const { uri } = await agent({});
  server?.close();
  server = null;
  await expect(readTaskPlace(uri)).rejects.toThrow("does not answer");
});

const protectionPath = "/v4/task-1/task-protection/v1/state";

test("a task is protected for some time, and given free", async () => {
  const { uri, asked } = await agent({
    [protectionPath]: { body: { protection: { ProtectionEnabled: true, TaskArn: task.TaskARN } } },
  });
  await protectTask(uri, 60);
  expect(asked).toEqual([
    {
      method: "PUT",
      url: protectionPath,
      body: '{"ProtectionEnabled":true,"ExpiresInMinutes":60}',
    },
  ]);
  await expect(protectTask(uri, null)).rejects.toThrow("leaves the task as it was");
});

test("a refused protection says why", async () => {
  const error = { Code: "AccessDeniedException", Message: "not authorized" };
  const { uri } = await agent({ [protectionPath]: { status: 400, body: { error } } });
  await expect(protectTask(uri, 60)).rejects.toThrow("AccessDeniedException");
});
