// Stands in for API Gateway with a JWT authorizer: lets only requests through that bear the token.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-jwt-authorizer.html
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

export type TokenApi = {
  readonly url: string;
  /** The authorization headers that came, the last one last. */
  readonly received: readonly (string | undefined)[];
  close(): Promise<void>;
};

/** Serves what is at `behind`, for reading. */
export async function serveForToken(behind: string, token: string): Promise<TokenApi> {
  const received: (string | undefined)[] = [];
  const server = createServer(({ url = "/", headers: { authorization } }, response) => {
    received.push(authorization);
    if (authorization !== `Bearer ${token}`) {
      const error = authorization?.startsWith("Bearer ")
        ? ' scope="" error="invalid_token" error_description="the token has expired"'
        : "";
      response
        .writeHead(401, {
          "content-type": "application/json",
          "www-authenticate": `Bearer${error}`,
        })
        .end('{"message":"Unauthorized"}');
      return;
    }
    void (async () => {
      const answered = await fetch(new URL(url, behind));
      const type = answered.headers.get("content-type") ?? "";
      response.writeHead(answered.status, { "content-type": type }).end(await answered.text());
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    received,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
