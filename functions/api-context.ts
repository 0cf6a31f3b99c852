import { OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { Command, Rejection } from "../metadata/commands/command.ts";
import type { Image } from "../metadata/image/image.ts";
import type { Clock } from "../ports/clock.ts";
import type { Random } from "../ports/random.ts";
import type { DocsAssets } from "./docs-assets.ts";
import { invalidInput } from "./wrong-fields.ts";

export type ApiConfig = {
  version: string;
  /** Where Kafka answers as long as no broker is registered; with brokers their own addresses are told. */
  kafka: { host: string; port: number };
  /**
   * Where this process's own broker listens for a cluster, where one process serves both; null if it does not (yet). It goes before what the metadata
   * log says, for a test broker's ports are picked by the system, each cluster's by itself.
   */
  addressOf?: (clusterId: string) => { host: string; port: number } | null | undefined;
  /** Where a broker serves HTTP, asked anew each time because brokers come and go. Null: at the address a request came to (one process serves both). */
  httpEndpoint: (() => string) | null;
  /** How long an event stream lasts at most; ten minutes where nothing is said. Where answers are gathered before they are sent (a Lambda), short or 0. */
  eventStreamMs?: number;
};

export type Log = {
  debug(message: string, fields?: Record<string, unknown>): void;
  info(message: string, fields?: Record<string, unknown>): void;
  warn(message: string, fields?: Record<string, unknown>): void;
  error(message: string, fields?: Record<string, unknown>): void;
};

/** What the API needs of the metadata log's replica. */
export type ApiReplica = {
  readonly image: Image;
  /** Applies everything appended so far, by whichever process. */
  readToHead(): Promise<unknown>;
  submit<Result, Code extends string>(
    command: Command<Result, Code>,
  ): Promise<{ readonly kind: "accepted"; readonly result: Result } | Rejection<Code>>;
};

/** What every route works with. */
export type ApiContext = {
  replica: ApiReplica;
  clock: Clock;
  random: Random;
  config: ApiConfig;
  log: Log;
  docsAssets: DocsAssets;
};

export type ApiEnv = { Variables: { requestId: string } };
export type Routes = OpenAPIHono<ApiEnv>;

/** An empty set of routes whose validation failures all become the same kind of problem. */
export function newRoutes(): Routes {
  return new OpenAPIHono<ApiEnv>({
    defaultHook(result) {
      if (result.success) return;
      // The validator passes what it was given along with the failure, which its type does not say.
      const input = "data" in result ? result.data : undefined;
      throw invalidInput(result.target, result.error.issues, input);
    },
  });
}

/** Scheme, host and port the caller used: links that it can follow, whatever stands between. */
export function originOf(c: Context): string {
  return new URL(c.req.url).origin;
}
