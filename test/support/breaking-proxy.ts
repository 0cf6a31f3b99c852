import { connect, createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";

export type BreakingProxy = {
  readonly port: number;
  /** The next connection to be answered breaks once so many bytes of the answer have passed. */
  breakAnswerAfter(byteCount: number): void;
  readonly brokenCount: number;
  close(): Promise<void>;
};

/** Passes what comes to a port of this machine on to another. What it breaks has arrived, so whoever had asked cannot know whether it was done. */
export async function startBreakingProxy(targetPort: number): Promise<BreakingProxy> {
  const sockets = new Set<Socket>();
  let allowedBytes: number | null = null;
  let brokenCount = 0;
  const server = createServer((client) => {
    const target = connect(targetPort, "127.0.0.1");
    for (const [socket, other] of [
      [client, target],
      [target, client],
    ] as const) {
      sockets.add(socket);
      socket.on("error", () => undefined);
      socket.on("close", () => {
        sockets.delete(socket);
        other.destroy();
      });
    }
    client.on("data", (chunk) => target.write(chunk));
    target.on("data", (chunk: Buffer) => {
      if (allowedBytes === null) return void client.write(chunk);
      const passing = chunk.subarray(0, allowedBytes);
      allowedBytes -= passing.byteLength;
      if (passing.byteLength > 0) client.write(passing);
      if (allowedBytes > 0) return;
      allowedBytes = null;
      brokenCount++;
      client.destroySoon();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    breakAnswerAfter(byteCount) {
      allowedBytes = byteCount;
    },
    get brokenCount() {
      return brokenCount;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
