import type { ProblemDetails } from "../../../functions/api-types.ts";
import { MyelinError } from "../errors.ts";
import type { TokenSource } from "./bearer-token.ts";
import { bearerOf, checkKeepsSecret } from "./bearer-token.ts";
import { gatewayRefusal } from "./gateway-refusal.ts";

export type HttpClientOptions = {
  /** Base address of the control plane, for instance `http://127.0.0.1:8080`. */
  url: string;
  /**
   * For a cell that lets in the tokens of an issuer; a function gives one that has not expired, and is asked before each attempt. Sent by https or
   * within this machine only, in place of any other authorization header.
   */
  token?: TokenSource;
  /** Added to every request. */
  headers?: Record<string, string>;
  /** For one attempt; 30 s by default. */
  timeoutMs?: number;
  /** Replaces the global `fetch`, for instance by one that signs requests. */
  fetch?: typeof fetch;
};

export type HttpRequest = {
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  path: string;
  body?: unknown;
  signal?: AbortSignal | undefined;
};

export type HttpClient = { send<Reply>(request: HttpRequest): Promise<Reply> };

const attempts = 4;

/**
 * JSON over HTTP with the control plane's manners: problems become MyelinErrors, 503 and lost connections are tried again, and every POST carries
 * an Idempotency-Key, so that trying again never does a thing twice.
 */
export function createHttpClient(options: HttpClientOptions): HttpClient {
  const base = options.url.replace(/\/+$/, "");
  const send = options.fetch ?? fetch;
  const timeoutMs = options.timeoutMs ?? 30_000;
  const { token } = options;
  if (token !== undefined) checkKeepsSecret(base);

  async function once(request: HttpRequest, headers: Record<string, string>): Promise<Response> {
    const timeout = AbortSignal.timeout(timeoutMs);
    const signal =
      request.signal === undefined ? timeout : AbortSignal.any([timeout, request.signal]);
    const body = request.body === undefined ? {} : { body: JSON.stringify(request.body) };
    try {
      return await send(base + request.path, { method: request.method, headers, signal, ...body });
    } catch (error) {
      if (request.signal?.aborted === true)
        throw new MyelinError("ABORTED", "The call was aborted", { cause: error });
      if (timeout.aborted) {
        throw new MyelinError("TIMEOUT", `${base} did not answer within ${timeoutMs} ms`, {
          retriable: true,
          cause: error,
        });
      }
      throw new MyelinError("NETWORK", `${base} cannot be reached: is Myelin running there?`, {
        retriable: true,
        cause: error,
      });
    }
  }

  async function attempt<Reply>(
    request: HttpRequest,
    headers: Record<string, string>,
  ): Promise<Reply> {
    // A name in other letters would be a second header of this name.
    const sent =
      token === undefined
        ? headers
        : { ...without(headers, "authorization"), authorization: await bearerOf(token) };
    const response = await once(request, sent);
    if (response.ok) return (response.status === 204 ? undefined : await response.json()) as Reply;
    throw await problemOf(response, { base, hasToken: token !== undefined });
  }

  return {
    async send<Reply>(request: HttpRequest): Promise<Reply> {
      const headers: Record<string, string> = { accept: "application/json", ...options.headers };
      if (request.body !== undefined) headers["content-type"] = "application/json";
      if (request.method === "POST") headers["idempotency-key"] = crypto.randomUUID();
      for (let tries = 1; ; tries++) {
        try {
          return await attempt<Reply>(request, headers);
        } catch (error) {
          if (!(error instanceof MyelinError) || !error.retriable || tries >= attempts) throw error;
          await new Promise((resolve) =>
            setTimeout(resolve, 100 * 2 ** tries * (0.5 + Math.random() / 2)),
          );
        }
      }
    },
  };
}

function without(headers: Record<string, string>, name: string): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).filter(([each]) => each.toLowerCase() !== name),
  );
}

type Asked = { base: string; hasToken: boolean };

async function problemOf(response: Response, asked: Asked): Promise<MyelinError> {
  const text = await response.text();
  const problem = parseProblem(text);
  if (problem === null) {
    const refusal = gatewayRefusal(response, text);
    return new MyelinError(
      `HTTP_${response.status}`,
      refusal === null
        ? `The control plane answered ${response.status}: ${text.slice(0, 200)}`
        : describeRefusal(refusal, asked),
    );
  }
  const code =
    problem.kafka_error_code ?? (response.status === 404 ? "NOT_FOUND" : `HTTP_${response.status}`);
  return new MyelinError(code, problem.detail, {
    retriable: response.status === 503 || response.status === 429,
    ...(problem.errors === undefined ? {} : { fields: problem.errors }),
  });
}

function describeRefusal(refusal: string, { base, hasToken }: Asked): string {
  const tunnel = "signed with AWS credentials (IAM), as by way of myelin tunnel --api-url";
  return hasToken
    ? `${base} does not take this token (${refusal}). Get a new one (MYELIN_TOKEN of the command line), of the issuer and audience that the cell was deployed with; if it was deployed with none, requests must be ${tunnel}.`
    : `${base} lets in nobody without credentials (${refusal}). Requests must be ${tunnel}; or, if the cell was deployed with a jwtIssuer, have its token (MYELIN_TOKEN of the command line).`;
}

function parseProblem(text: string): ProblemDetails | null {
  try {
    const parsed = JSON.parse(text) as Partial<ProblemDetails>;
    return typeof parsed.detail === "string" ? (parsed as ProblemDetails) : null;
  } catch {
    return null; // Not from the control plane: a proxy's page, for instance.
  }
}
