// The container's health check as ECS runs it: a process, and its exit code.
import { spawn } from "node:child_process";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { repository } from "../../infra/assets/repository.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const directory = temporaryDirectory();
let statuses = { readyz: 503, healthz: 200 };
const server = createServer(({ url = "" }, response) => {
  response.writeHead(url === "/readyz" ? statuses.readyz : statuses.healthz).end();
});

beforeAll(() => new Promise<void>((done) => server.listen(0, "127.0.0.1", done)));
afterAll(() => {
  server.closeAllConnections();
  server.close();
  directory[Symbol.dispose]();
});

function check(port = (server.address() as AddressInfo).port): Promise<number | null> {
  const child = spawn(process.execPath, [join(repository, "infra/container/health.ts")], {
    env: { MYELIN_DATA_DIR: directory.path, MYELIN_HTTP_PORT: String(port) },
    stdio: "ignore",
  });
  return new Promise((done) => child.once("close", done));
}

test("a broker is healthy once it was ready, and from then on while it lives", async () => {
  expect(await check(), "not ready yet").toBe(1);
  statuses = { readyz: 200, healthz: 200 };
  expect(await check(), "ready").toBe(0);
  statuses = { readyz: 503, healthz: 200 };
  expect(await check(), "others are missing").toBe(0);
  statuses = { readyz: 200, healthz: 500 };
  expect(await check(), "it does not live").toBe(1);
});

test("a broker that does not answer is not healthy", async () => {
  expect(await check(1)).toBe(1);
});
