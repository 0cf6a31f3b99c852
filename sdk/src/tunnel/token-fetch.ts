import { bearerOf, checkKeepsSecret } from "../control/bearer-token.ts";
import type { ApiFetch } from "./api-request.ts";
import { ask, targetOf } from "./api-request.ts";

const advice =
  "get a new token, and open the tunnel anew with it (MYELIN_TOKEN), or send it with the request. A cell that was deployed without a jwtIssuer is reached by a tunnel without MYELIN_TOKEN.";

/**
 * Asks an HTTP API that takes the tokens of an issuer: with the one that the request has itself, else with the tunnel's, which may have expired by then.
 * Throws where a token would be no secret, or is none.
 */
export async function createTokenFetch(url: URL, token: string): Promise<ApiFetch> {
  checkKeepsSecret(url.href);
  const authorization = await bearerOf(token);
  return (request) =>
    ask(
      targetOf(url, request.path),
      { ...request, headers: { authorization, ...request.headers } },
      advice,
    );
}
