// Command line and tunnel against a cell whose HTTP API takes the tokens of an issuer.
import { afterAll, beforeAll, expect, test } from "vitest";
import type { TestBroker } from "../../../sdk/src/testing.ts";
import { createTestBroker } from "../../../sdk/src/testing.ts";
import type { CommandResult } from "../../support/myelin-command.ts";
import { runMyelin } from "../../support/myelin-command.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";
import type { TokenApi } from "../../support/token-api.ts";
import { serveForToken } from "../../support/token-api.ts";

const directory = temporaryDirectory();
const token = "a-token.of.the-issuer";
let broker: TestBroker;
let api: TokenApi;

beforeAll(async () => {
  broker = await createTestBroker();
  await broker.topics.create("orders");
  api = await serveForToken(await broker.url(), token);
});
afterAll(async () => {
  await api.close();
  await broker.close();
  directory[Symbol.dispose]();
});

/** A command with this token, and no AWS credentials. */
function run(
  args: string[],
  given: string,
  env: Record<string, string> = {},
): Promise<CommandResult> {
  return runMyelin(args, {
    cwd: directory.path,
    env: { MYELIN_URL: api.url, XDG_CONFIG_HOME: directory.path, MYELIN_TOKEN: given, ...env },
  });
}

test("the command line sends the token of MYELIN_TOKEN", async () => {
  const { code, stdout, stderr } = await run(["topic", "list"], token);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toContain("orders");
  expect(new Set(api.received)).toEqual(new Set([`Bearer ${token}`]));
});

test("a token that is not taken ends with why, and is not shown", async () => {
  const { code, stdout, stderr } = await run(["topic", "list"], "an-old-one");
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  expect(stderr).toContain("does not take this token (401 Unauthorized: the token has expired)");
  expect(stderr).toContain("MYELIN_TOKEN");
  expect(stderr).not.toContain("an-old-one");
});

test("an empty MYELIN_TOKEN is none, and the refusal names both ways in", async () => {
  const { code, stderr } = await run(["cell", "status"], "");
  expect(code).toBe(1);
  expect(stderr).toMatch(/nobody without credentials.*IAM.*MYELIN_TOKEN/);
  expect(api.received.at(-1)).toBeUndefined();
});

test("a token is not sent in the clear to another machine: that is misuse", async () => {
  const { code, stderr } = await run(["topic", "list"], token, {
    MYELIN_URL: "http://cell.invalid",
  });
  expect(code).toBe(2);
  expect(stderr).toContain("A token is sent by https only");
  expect(stderr).not.toContain(token);
});
