// Command line and tunnel against a cell whose HTTP API takes the tokens of an issuer.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Myelin } from "../../../sdk/src/myelin.ts";
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

test("a token does not go where a file of the working directory says, unless that is this machine", async () => {
  using elsewhere = temporaryDirectory();
  const file = join(elsewhere.path, "myelin.json");
  const runThere = () =>
    runMyelin(["topic", "list"], {
      cwd: elsewhere.path,
      env: { XDG_CONFIG_HOME: directory.path, MYELIN_TOKEN: token },
    });
  writeFileSync(file, JSON.stringify({ url: "https://cell.invalid" }));
  const { code, stderr } = await runThere();
  expect(code).toBe(2);
  expect(stderr).toMatch(/MYELIN_TOKEN is not sent to https:..cell.invalid.*--url or MYELIN_URL/);
  writeFileSync(file, JSON.stringify({ url: api.url }));
  expect((await runThere()).code).toBe(0);
});

/** An API door of its own, held open while it is used; what it printed is the result. */
async function throughTunnel(
  apiUrl: string,
  use: (url: string) => Promise<void>,
): Promise<CommandResult> {
  const args = ["tunnel", "--json", "--http-port", "0", "--api-url", apiUrl];
  const uses: Promise<void>[] = [];
  const result = await runMyelin([...args, "--aws", join(directory.path, "absent")], {
    cwd: directory.path,
    env: { AWS_ACCESS_KEY_ID: "", XDG_CONFIG_HOME: directory.path, MYELIN_TOKEN: token },
    onOutput(stdout, kill) {
      if (!stdout.endsWith("\n") || uses.length > 0) return;
      const { api_url: url } = JSON.parse(stdout) as { api_url: string };
      uses.push(use(url).finally(() => kill("SIGTERM")));
    },
  });
  await Promise.all(uses);
  return result;
}

test("a tunnel with MYELIN_TOKEN needs neither AWS credentials nor a region, and passes on its token or the caller's", async () => {
  const { code, stderr } = await throughTunnel(api.url, async (url) => {
    expect(await new Myelin({ url }).clusters.list()).toHaveLength(1);
    const old = new Myelin({ url, token: "an-old-one" });
    await expect(old.clusters.list()).rejects.toMatchObject({
      code: "HTTP_401",
      message: expect.stringMatching(
        /did not let the tunnel in \(401 Unauthorized: the token has expired\).*MYELIN_TOKEN/,
      ),
    });
  });
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(api.received.slice(-2)).toEqual([`Bearer ${token}`, "Bearer an-old-one"]);
});

test("a tunnel takes no token in the clear to another machine either", async () => {
  const { code, stderr } = await throughTunnel("http://cell.invalid", () => Promise.resolve());
  expect(code).toBe(2);
  expect(stderr).toContain("A token is sent by https only");
});
