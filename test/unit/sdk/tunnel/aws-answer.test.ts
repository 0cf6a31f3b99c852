import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createAwsCredentials } from "../../../../sdk/src/tunnel/aws-credentials.ts";
import { createEcsSessions } from "../../../../sdk/src/tunnel/ecs-sessions.ts";
import { createTaskList } from "../../../../sdk/src/tunnel/ecs-tasks.ts";
import { SessionError } from "../../../../sdk/src/tunnel/session-error.ts";
import { temporaryDirectory } from "../../../support/temporary-directory.ts";
import { awsCli } from "./aws-cli.ts";

let directory: ReturnType<typeof temporaryDirectory>;
beforeEach(() => {
  directory = temporaryDirectory();
  vi.stubEnv("AWS_ACCESS_KEY_ID", "");
});
afterEach(() => {
  directory[Symbol.dispose]();
  vi.unstubAllEnvs();
});

const exportCall = "configure export-credentials";

test.each([
  ["nothing", "true"],
  ["what is no JSON", "echo 'update available'"],
  ["something else", `echo '{"SecretAccessKey": "s3cret"}'`],
  ["a list", "echo '[]'"],
])(
  "credentials are asked of an AWS CLI that says %s: a sentence, without a secret",
  async (_, lines) => {
    const { path } = awsCli(directory.path, { [exportCall]: lines });
    const error: unknown = await createAwsCredentials(path)().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(SessionError);
    expect(String(error)).toContain("did not answer as version 2 of the AWS CLI does");
    expect(String(error)).not.toContain("s3cret");
  },
);

test("credentials with an end that is no time are kept as those without", async () => {
  const said = { AccessKeyId: "A", SecretAccessKey: "S", Expiration: "soon" };
  const cli = awsCli(directory.path, { [exportCall]: `echo '${JSON.stringify(said)}'` });
  const credentials = createAwsCredentials(cli.path);
  expect(await credentials()).toEqual({ accessKeyId: "A", secretAccessKey: "S" });
  await credentials();
  expect(cli.calls()).toHaveLength(1);
});

test.each(["true", "echo '{}'", `echo '{"taskArns": [7]}'`])(
  "tasks are asked of an AWS CLI that answers nothing of the kind: %s",
  async (lines) => {
    const { path } = awsCli(directory.path, { "ecs list-tasks": lines });
    const error: unknown = await createTaskList({
      cluster: "cell",
      region: null,
      aws: path,
    })().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(SessionError);
    expect(String(error)).toContain("ecs list-tasks did not answer");
  },
);

test("a session that is asked for while the tunnel closes does not begin", async () => {
  const task = {
    taskArn: "arn:aws:ecs:eu-central-1:111122223333:task/cell/abc",
    lastStatus: "RUNNING",
    attachments: [{ details: [{ name: "privateIPv4Address", value: "10.0.0.1" }] }],
    containers: [{ name: "broker", runtimeId: "abc-1" }],
  };
  const cli = awsCli(directory.path, {
    "ecs list-tasks": `echo '{"taskArns": ["abc"]}'`,
    "ecs describe-tasks": `echo '${JSON.stringify({ tasks: [task] })}'`,
    "ssm start-session": "echo 'Port 1 opened'; sleep 60",
  });
  const sessions = createEcsSessions({ cluster: "cell", region: null, aws: cli.path });
  const dialled = sessions.dial({ host: "10.0.0.1", port: 9092 });
  sessions.close();
  await expect(dialled).rejects.toThrow("the tunnel is closed");
  expect(cli.calls().some((call) => call.startsWith("ssm"))).toBe(false);
});
