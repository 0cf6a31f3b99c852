// The container's health check. Until the broker has been ready once, healthy means ready: caught up, in the in-sync sets, so that a deployment goes on
// to the next zone only then. From then on it means alive: to stop a broker because others are missing, or DynamoDB is, would make it worse.
import { existsSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Beside the broker's directory, and gone with the task as that is: nothing else may be writable. */
const wasReady = join(process.env["MYELIN_DATA_DIR"] ?? tmpdir(), "was-ready");
const timeoutMs = 4_000;

async function check(): Promise<boolean> {
  const path = existsSync(wasReady) ? "healthz" : "readyz";
  const port = process.env["MYELIN_HTTP_PORT"] ?? "9640";
  const response = await fetch(`http://127.0.0.1:${port}/${path}`, {
    signal: AbortSignal.timeout(timeoutMs),
  });
  if (response.ok) writeFileSync(wasReady, "");
  return response.ok;
}

try {
  process.exitCode = (await check()) ? 0 : 1;
} catch (error) {
  // Shown by `docker inspect` and the like; ECS keeps only the code.
  process.stderr.write(`${String(error)}\n`);
  process.exitCode = 1;
}
