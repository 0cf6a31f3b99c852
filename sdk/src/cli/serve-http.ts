import type { ServedApi } from "../../../adapters/node/http-server.ts";
import { CliError } from "./failure.ts";
import type { WantedPort } from "./start-failure.ts";
import { portInUse } from "./start-failure.ts";

type App = { fetch(request: Request, env: unknown): Response | Promise<Response> };

/** Serves an app over HTTP, or says why not in words. */
export async function serveHttp(
  app: App,
  { host, wanted }: { host: string; wanted: WantedPort },
): Promise<ServedApi> {
  // Loaded when the broker listens already, as the app is.
  const { ServeError, serveApi } = await import("../../../adapters/node/http-server.ts");
  try {
    return await serveApi(app, { host, port: wanted.port });
  } catch (error) {
    if (!(error instanceof ServeError)) throw error;
    if (error.code === "inUse") throw portInUse(wanted);
    throw new CliError(`Myelin cannot start: ${error.message}.`);
  }
}
