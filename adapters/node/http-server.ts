import { serve } from "@hono/node-server";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";

export type ServeOptions = {
  host: string;
  /** 0 picks a free one. */
  port: number;
};

export type ServedApi = {
  readonly host: string;
  readonly port: number;
  readonly url: string;
  /** Stops accepting, lets running requests end, and cuts those off that have not after `graceMs` (5 s by default). */
  close(graceMs?: number): Promise<void>;
};

/** `inUse`: another process has the port. `denied`: this user may not listen there. `io`: anything else. */
export class ServeError extends Error {
  readonly code: "inUse" | "denied" | "io";
  constructor(code: "inUse" | "denied" | "io", message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = "ServeError";
    this.code = code;
  }
}

type Fetch = { fetch(request: Request, env: unknown): Response | Promise<Response> };

/** Serves the app over HTTP on this machine; resolves once connections are accepted. */
export async function serveApi(app: Fetch, { host, port }: ServeOptions): Promise<ServedApi> {
  const server = await listen(app, { host, port });
  const address = server.address() as AddressInfo;
  const shownHost = address.family === "IPv6" ? `[${address.address}]` : address.address;
  return {
    host: address.address,
    port: address.port,
    url: `http://${shownHost}:${address.port}`,
    close: (graceMs = 5_000) => close(server, graceMs),
  };
}

function listen(app: Fetch, { host, port }: ServeOptions): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = serve(
      {
        fetch: (request, env) => app.fetch(request, env),
        hostname: host,
        port,
        overrideGlobalObjects: false,
        // A header or body that trickles in must not hold a connection for ever; a request may still take its time to answer.
        serverOptions: { headersTimeout: 20_000, requestTimeout: 60_000, keepAliveTimeout: 65_000 },
      },
      () => resolve(server),
    ) as Server;
    // A kept-alive connection whose last request ends while the server closes would hold it open for as long as the client likes.
    server.on("request", (_request, response) => {
      response.once("close", () => {
        if (!server.listening) setImmediate(() => server.closeIdleConnections());
      });
    });
    server.once("error", (error: NodeJS.ErrnoException) => {
      reject(serveError(error, { host, port }));
    });
  });
}

function serveError(error: NodeJS.ErrnoException, { host, port }: ServeOptions): ServeError {
  switch (error.code) {
    case "EADDRINUSE":
      return new ServeError("inUse", `port ${port} of ${host} is in use`, { cause: error });
    case "EACCES":
      return new ServeError("denied", `not allowed to listen on port ${port}`, { cause: error });
    default:
      return new ServeError("io", `cannot listen on ${host}:${port}`, { cause: error });
  }
}

function close(server: Server, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const cut = setTimeout(() => server.closeAllConnections(), graceMs);
    server.close(() => {
      clearTimeout(cut);
      resolve();
    });
  });
}
