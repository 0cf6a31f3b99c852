import type { ECSClient } from "@aws-sdk/client-ecs";
import { expect, test } from "vitest";
import { createEcsFleet } from "../../../../adapters/ecs/fleet.ts";

type Call = { name: string; input: Record<string, unknown> };

/** A client that answers each kind of command with the next of its answers. */
function fleetOf(answers: Record<string, object[]>, services: Record<string, string>) {
  const calls: Call[] = [];
  const client = {
    send(command: { constructor: { name: string }; input: Record<string, unknown> }) {
      const { name } = command.constructor;
      calls.push({ name, input: command.input });
      const answer = answers[name]?.shift();
      return answer === undefined
        ? Promise.reject(new Error(`no answer to ${name}`))
        : Promise.resolve(answer);
    },
  } as unknown as Pick<ECSClient, "send">;
  return { fleet: createEcsFleet({ client, cluster: "myelin", services }), calls };
}

const steady = [{ rolloutState: "COMPLETED" }];

function taskAt(id: number, host: string) {
  return {
    taskArn: `task-${id}`,
    lastStatus: "RUNNING",
    attachments: [
      {
        type: "ElasticNetworkInterface",
        details: [
          { name: "subnetId", value: "subnet-1" },
          { name: "privateIPv4Address", value: host },
        ],
      },
    ],
  };
}

test("services and their tasks are read, however many pages there are", async () => {
  const service = { serviceName: "one", status: "ACTIVE", desiredCount: 2, deployments: steady };
  const { fleet, calls } = fleetOf(
    {
      DescribeServicesCommand: [{ services: [service] }],
      ListTasksCommand: [{ taskArns: ["task-1"], nextToken: "more" }, { taskArns: ["task-2"] }],
      DescribeTasksCommand: [
        { tasks: [taskAt(1, "10.0.0.1"), { taskArn: "task-2", lastStatus: "PROVISIONING" }] },
      ],
    },
    { a: "one" },
  );
  expect(await fleet.read()).toEqual([
    {
      zone: "a",
      serviceName: "one",
      desiredCount: 2,
      isDeploying: false,
      tasks: [
        { taskArn: "task-1", host: "10.0.0.1", isRunning: true },
        { taskArn: "task-2", host: null, isRunning: false },
      ],
    },
  ]);
  expect(calls.filter(({ name }) => name === "ListTasksCommand")).toMatchObject([
    { input: { cluster: "myelin", serviceName: "one", desiredStatus: "RUNNING" } },
    { input: { nextToken: "more" } },
  ]);
});

test.each([
  ["a rolled deployment", [{ rolloutState: "IN_PROGRESS" }, { rolloutState: "COMPLETED" }], true],
  ["a failed one", [{ rolloutState: "FAILED" }], true],
  ["a finished one", steady, false],
])("%s: is the service being deployed?", async (_what, deployments, isDeploying) => {
  const service = { serviceName: "one", status: "ACTIVE", desiredCount: 0, deployments };
  const { fleet } = fleetOf(
    { DescribeServicesCommand: [{ services: [service] }], ListTasksCommand: [{}] },
    { a: "one" },
  );
  expect(await fleet.read()).toMatchObject([{ isDeploying, tasks: [] }]);
});

test("a service that is not there is named", async () => {
  const { fleet } = fleetOf({ DescribeServicesCommand: [{ services: [] }] }, { a: "one" });
  await expect(fleet.read()).rejects.toThrow("cluster myelin has no service one");
});

test("tasks are kept ten at a time, and a refusal is told", async () => {
  const { fleet, calls } = fleetOf(
    {
      UpdateTaskProtectionCommand: [
        {},
        { failures: [{ arn: "task-10", reason: "TASK_NOT_VALID" }] },
      ],
    },
    {},
  );
  const arns = Array.from({ length: 11 }, (_, index) => `task-${index}`);
  await expect(fleet.keep(arns, 10)).rejects.toThrow("does not protect task-10: TASK_NOT_VALID");
  expect(calls.map(({ input }) => (input["tasks"] as string[]).length)).toEqual([10, 1]);
  expect(calls[0]?.input).toMatchObject({ protectionEnabled: true, expiresInMinutes: 10 });
});

test("tasks are freed ten at a time, and one that is not there any more is no matter", async () => {
  const { fleet, calls } = fleetOf(
    {
      UpdateTaskProtectionCommand: [{ failures: [{ arn: "task-0", reason: "MISSING" }] }, {}],
    },
    {},
  );
  await fleet.free(Array.from({ length: 11 }, (_, index) => `task-${index}`));
  expect(calls.map(({ input }) => (input["tasks"] as string[]).length)).toEqual([10, 1]);
  expect(calls[0]?.input).toMatchObject({ protectionEnabled: false });
});
