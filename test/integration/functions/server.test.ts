import { connect } from "node:net";
import { Hono } from "hono";
import { expect, test } from "vitest";
import { createManualClock } from "../../../adapters/memory/clock.ts";
import { eventStream, eventStreamHeaders } from "../../../functions/event-stream.ts";
import { ServeError, serveApi } from "../../../adapters/node/http-server.ts";
import { createApiFixture } from "../../unit/functions/api-fixture.ts";

const anyPort = { host: "127.0.0.1", port: 0 };

test("the API answers over HTTP, and links to the address it was asked at", async () => {
  const { app } = await createApiFixture();
  const served = await serveApi(app, anyPort);
  try {
    const created = await fetch(`${served.url}/v1/clusters`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ name: "shop" }),
    });
    expect(created.status).toBe(201);
    const cluster = (await created.json()) as { id: string; http_endpoint: string };
    expect(cluster.http_endpoint).toBe(served.url);
    const read = await fetch(`${served.url}/kafka/v3/clusters/${cluster.id}`);
    expect(await read.json()).toMatchObject({
      metadata: { self: `${served.url}/kafka/v3/clusters/${cluster.id}` },
    });
    const head = await fetch(`${served.url}/healthz`, { method: "HEAD" });
    expect(head.status).toBe(200);
  } finally {
    await served.close();
  }
});

test("requests without a body, and with one of unknown length, pass over real HTTP", async () => {
  const { app } = await createApiFixture();
  const served = await serveApi(app, anyPort);
  const chunked = (text: string) => ({
    method: "POST",
    headers: { "content-type": "application/json" },
    body: new Blob([text]).stream(),
    duplex: "half" as const,
  });
  try {
    const created = await fetch(`${served.url}/v1/clusters`, chunked('{"name":"streamed"}'));
    expect(created.status).toBe(201);
    const { id } = (await created.json()) as { id: string };
    const deleted = await fetch(`${served.url}/v1/clusters/${id}`, { method: "DELETE" });
    expect(deleted.status).toBe(204);
    const large = await fetch(`${served.url}/v1/clusters`, chunked(" ".repeat(2_000_000)));
    expect(large.status).toBe(413);
  } finally {
    await served.close();
  }
});

test("a port that is taken is told as such", async () => {
  const first = await serveApi(new Hono(), anyPort);
  try {
    const second = serveApi(new Hono(), { host: first.host, port: first.port });
    await expect(second).rejects.toMatchObject({ name: "ServeError", code: "inUse" });
    await expect(second).rejects.toThrow(String(first.port));
  } finally {
    await first.close();
  }
});

test("an address that is not this machine's is refused too", async () => {
  await expect(serveApi(new Hono(), { host: "192.0.2.1", port: 0 })).rejects.toBeInstanceOf(
    ServeError,
  );
});

test("closing lets the running request end and frees the port", async () => {
  let release = () => {};
  const waiting = new Promise<void>((resolve) => {
    release = resolve;
  });
  let isAsked = () => {};
  const asked = new Promise<void>((resolve) => {
    isAsked = resolve;
  });
  const slow = new Hono().get("/", async (c) => {
    isAsked();
    await waiting;
    return c.text("done");
  });
  const served = await serveApi(slow, anyPort);
  const answer = fetch(served.url);
  await asked;
  const closed = served.close();
  release();
  expect(await (await answer).text()).toBe("done");
  await closed;
  const again = await serveApi(new Hono(), { host: served.host, port: served.port });
  await again.close();
});

test("closing cuts off what does not end", async () => {
  let isAsked = () => {};
  const asked = new Promise<void>((resolve) => {
    isAsked = resolve;
  });
  const stuck = new Hono().get("/", () => {
    isAsked();
    return new Promise<never>(() => {});
  });
  const served = await serveApi(stuck, anyPort);
  const answer = fetch(served.url).then(
    () => "answered",
    () => "cut off",
  );
  await asked;
  await served.close(10);
  expect(await answer).toBe("cut off");
});

test("bytes that are not HTTP end their connection and nothing else", async () => {
  const { app } = await createApiFixture();
  const served = await serveApi(app, anyPort);
  try {
    for (const bytes of [
      "\u0000\u0001\u0002\r\n\r\n",
      "GET\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
    ]) {
      const received = await new Promise<string>((resolve) => {
        let text = "";
        const socket = connect(served.port, served.host, () => socket.end(bytes));
        socket.on("data", (chunk) => (text += chunk.toString()));
        socket.on("error", () => {});
        socket.on("close", () => resolve(text));
      });
      expect(received).toMatch(/^HTTP\/1\.1 4\d\d /);
    }
    expect((await fetch(`${served.url}/healthz`)).status).toBe(200);
  } finally {
    await served.close();
  }
});

test("a body over the limit is refused while it is still being sent", async () => {
  const { app } = await createApiFixture();
  const served = await serveApi(app, anyPort);
  try {
    const response = await fetch(`${served.url}/v1/clusters`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: new ReadableStream<Uint8Array>({
        pull(controller) {
          controller.enqueue(new Uint8Array(65_536).fill(32));
        },
      }),
      duplex: "half",
    }).catch((error: unknown) => error as Error);
    // Undici reports the reset instead of the answer when its own write fails first.
    if (response instanceof Response) expect(response.status).toBe(413);
    expect((await fetch(`${served.url}/healthz`)).status).toBe(200);
  } finally {
    await served.close(10);
  }
});

test("events are sent as they happen, and end when their listener goes away", async () => {
  const clock = createManualClock({ startMs: 0 });
  let tell = () => {};
  const ended = new Promise<void>((resolve) => {
    tell = resolve;
  });
  let count = 0;
  const app = new Hono().get("/", (c) => {
    const next = async () => {
      const id = String(++count);
      return { event: { event: "progress", id, data: "{}" }, isLast: false };
    };
    const stream = eventStream({ clock, next, everyMs: 1_000, maxMs: 60_000, onEnd: tell });
    return c.body(stream, 200, eventStreamHeaders);
  });
  const served = await serveApi(app, anyPort);
  try {
    const leave = new AbortController();
    const response = await fetch(served.url, { signal: leave.signal });
    const reader = response.body?.getReader();
    const read = async () => Buffer.from((await reader?.read())?.value ?? []).toString();
    expect(await read()).toContain("id: 1");
    await clock.advance(1_000);
    expect(await read()).toContain("id: 2");
    leave.abort();
    await ended;
  } finally {
    await served.close(10);
  }
});
