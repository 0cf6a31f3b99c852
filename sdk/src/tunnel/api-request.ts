import { gatewayRefusal } from "../control/gateway-refusal.ts";

export type ApiRequest = {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
};

/** Asks the HTTP API, in some way to be let in there. Throws what fetching throws. */
export type ApiFetch = (request: ApiRequest) => Promise<Response>;

const requestLimitMs = 35_000;

/** Where a request goes. A path that the API's address has (a stage, a mapping of a domain) stays in front of the request's. */
export function targetOf(url: URL, path: string): URL {
  // Never to another host: a path that begins with two slashes would name one.
  const target = new URL(url);
  const [pathname = "", search = ""] = path.split(/\?(.*)/s);
  target.pathname = url.pathname.replace(/\/$/, "") + pathname;
  target.search = search;
  return target;
}

/** If nobody is let in with this, the answer says `advice`: whoever asked the tunnel does not know how it asks. */
export async function ask(
  target: URL,
  { method, headers, body }: ApiRequest,
  advice: string,
): Promise<Response> {
  const response = await fetch(target, {
    method,
    headers,
    // Whoever asked may follow it: what lets us in goes nowhere else.
    redirect: "manual",
    signal: AbortSignal.timeout(requestLimitMs),
    ...(body.byteLength === 0 ? {} : { body: Buffer.from(body) }),
  });
  const { status } = response;
  if (status !== 401 && status !== 403) return response;
  const refusal = gatewayRefusal(response, await response.clone().text());
  if (refusal === null) return response;
  const title = status === 401 ? "Unauthorized" : "Forbidden";
  const detail = `${target.host} did not let the tunnel in (${refusal}): ${advice}`;
  return Response.json(
    { title, status, detail },
    { status, headers: { "content-type": "application/problem+json" } },
  );
}
