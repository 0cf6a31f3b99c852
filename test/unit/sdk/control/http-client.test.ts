import { once } from "node:events";
import { createServer } from "node:http";
import type { RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import type { HttpClientOptions } from "../../../../sdk/src/control/http-client.ts";
import { createHttpClient } from "../../../../sdk/src/control/http-client.ts";

type Answer = () => Response;
const fine: Answer = () => Response.json({});

/** What is sent by a client that is given these answers, one after the other, the last for good. */
function clientOf(options: Partial<HttpClientOptions>, ...answers: [Answer, ...Answer[]]) {
  const sent: (string | null)[] = [];
  const client = createHttpClient({
    url: "https://cell.example",
    ...options,
    fetch: (_, init) => {
      sent.push(new Headers(init?.headers).get("authorization"));
      const [first] = answers;
      return Promise.resolve((answers.length > 1 ? (answers.shift() ?? first) : first)());
    },
  });
  return { sent, get: () => client.send({ method: "GET", path: "/v1/cell" }) };
}

describe("a token", () => {
  test("is sent as a bearer's, in place of another authorization header", async () => {
    const { sent, get } = clientOf(
      { token: "abc.def-_~+/==", headers: { Authorization: "Basic x" } },
      fine,
    );
    await get();
    expect(sent).toEqual(["Bearer abc.def-_~+/=="]);
  });

  test("of a function is asked for anew by each attempt", async () => {
    let count = 0;
    const token = () => Promise.resolve(`token-${++count}\n`);
    const busy = () => Response.json({ detail: "busy" }, { status: 503 });
    const { sent, get } = clientOf({ token }, busy, fine);
    await get();
    expect(sent).toEqual(["Bearer token-1", "Bearer token-2"]);
  });

  test("that a function cannot give fails the call with what it threw, and nothing is sent", async () => {
    const failure = new Error("signed out");
    const { sent, get } = clientOf({ token: () => Promise.reject(failure) }, fine);
    await expect(get()).rejects.toBe(failure);
    expect(sent).toEqual([]);
  });

  test.each(["", " \n", "Bearer secret", "secret\r\nx: y", "sécret"])(
    "that is none (%j) is refused without being shown",
    async (token) => {
      const { sent, get } = clientOf({ token }, fine);
      const error: unknown = await get().catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code: "INVALID_ARGUMENT", retriable: false });
      expect(String(error)).not.toMatch(/s.cret/);
      expect(sent).toEqual([]);
    },
  );

  test.each(["http://cell.example", "http://10.0.0.7:8080", "http://127.0.0.1.example", "cell"])(
    "is not sent to %s, where others could read it",
    (url) => {
      expect(() => clientOf({ url, token: "secret" }, fine)).toThrow(
        expect.objectContaining({
          code: "INVALID_ARGUMENT",
          message: expect.stringContaining("by https only"),
        }),
      );
      expect(() => clientOf({ url }, fine)).not.toThrow();
    },
  );

  test.each([
    "https://cell.example",
    "http://127.0.0.1:8080",
    "http://localhost:1",
    "http://[::1]:1",
  ])("is sent to %s", async (url) => {
    const { sent, get } = clientOf({ url, token: "secret" }, fine);
    await get();
    expect(sent).toEqual(["Bearer secret"]);
  });
});

test("a token follows no redirection to another place", async () => {
  const received: unknown[] = [];
  const serve = async (answer: RequestListener): Promise<string> => {
    const server = createServer(answer).listen(0, "127.0.0.1");
    onTestFinished(() => void server.close());
    await once(server, "listening");
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  };
  const elsewhere = await serve(({ headers }, response) => {
    received.push(headers.authorization);
    response.end("{}");
  });
  const url = await serve(({ headers }, response) => {
    received.push(headers.authorization);
    response.writeHead(307, { location: elsewhere }).end();
  });
  await createHttpClient({ url, token: "secret" }).send({ method: "GET", path: "/" });
  expect(received).toEqual(["Bearer secret", undefined]);
});

describe("what API Gateway refuses says what to do", () => {
  const unauthorized = () => Response.json({ message: "Unauthorized" }, { status: 401 });

  test("without a token: sign, or have one", async () => {
    const { get } = clientOf({}, unauthorized);
    await expect(get()).rejects.toMatchObject({
      code: "HTTP_401",
      retriable: false,
      message: expect.stringMatching(
        /nobody without credentials \(401 Unauthorized\).*IAM.*MYELIN_TOKEN/,
      ),
    });
  });

  test("with one: why it was not taken, and not which it was", async () => {
    const expired = () =>
      Response.json(
        { message: "Unauthorized" },
        {
          status: 401,
          headers: {
            "www-authenticate":
              'Bearer scope="" error="invalid_token" error_description="the token has expired"',
          },
        },
      );
    const { get } = clientOf({ token: "secret" }, expired);
    const error: unknown = await get().catch((thrown: unknown) => thrown);
    expect(String(error)).toMatch(
      /does not take this token \(401 Unauthorized: the token has expired\).*MYELIN_TOKEN.*IAM/,
    );
    expect(String(error)).not.toContain("secret");
  });

  test.each([
    [404, '{"message":"Not Found"}'],
    [403, "<html>a proxy's page</html>"],
    [403, "{}"],
  ])("%d %s is none of it", async (status, text) => {
    const { get } = clientOf({}, () => new Response(text, { status }));
    await expect(get()).rejects.toThrow(`The control plane answered ${status}: ${text}`);
  });

  test("a problem of the control plane itself is told in its own words", async () => {
    const { get } = clientOf({}, () => Response.json({ detail: "not yours" }, { status: 403 }));
    await expect(get()).rejects.toThrow(/^not yours$/);
  });
});
