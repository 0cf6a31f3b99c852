// Node's inspector protocol over its WebSocket, as far as profiles need it: the broker is profiled from outside, without a line of its own.

export type Inspector = {
  call(method: string, parameters?: Record<string, unknown>): Promise<Record<string, unknown>>;
  close(): void;
};

type Answer = { id?: number; result?: Record<string, unknown>; error?: { message: string } };

/** Connects to a process started with --inspect on that port of loopback. */
export async function connectInspector(port: number): Promise<Inspector> {
  const response = await fetch(`http://127.0.0.1:${port}/json`);
  const [first] = (await response.json()) as { webSocketDebuggerUrl: string }[];
  if (first === undefined) throw new Error(`no inspector on port ${port}`);
  const socket = new WebSocket(first.webSocketDebuggerUrl);
  await new Promise((open, failed) => {
    socket.addEventListener("open", open);
    socket.addEventListener("error", failed);
  });
  const waiting = new Map<number, (answer: Answer) => void>();
  let lastId = 0;
  socket.addEventListener("message", ({ data }) => {
    const answer = JSON.parse(String(data)) as Answer;
    if (answer.id === undefined) return;
    waiting.get(answer.id)?.(answer);
    waiting.delete(answer.id);
  });
  return {
    async call(method, parameters = {}) {
      const id = ++lastId;
      const answered = new Promise<Answer>((done) => waiting.set(id, done));
      socket.send(JSON.stringify({ id, method, params: parameters }));
      const { error, result } = await answered;
      if (error !== undefined) throw new Error(`${method}: ${error.message}`);
      return result ?? {};
    },
    close: () => socket.close(),
  };
}
