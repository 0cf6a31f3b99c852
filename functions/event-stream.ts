import type { Clock } from "../ports/clock.ts";

export type ServerSentEvent = { event: string; id: string; data: string };

export type EventStreamOptions = {
  clock: Clock;
  /** Asked now and every `everyMs`; null says nothing this time. An event with `isLast` ends the stream. */
  next: () => Promise<{ event: ServerSentEvent | null; isLast: boolean }>;
  everyMs: number;
  /** Then it ends in any case, and whoever still listens asks anew. */
  maxMs: number;
  /** It has ended, for whatever reason; once. */
  onEnd: () => void;
};

export const eventStreamHeaders = {
  "content-type": "text/event-stream",
  // Proxies that gather answers would hold it back until its end.
  "x-accel-buffering": "no",
};

/** Proxies cut connections off that are silent for a minute or so. */
const keepAliveMs = 15_000;

/** Server-sent events, until the last one, until nobody listens any more, or until `maxMs` are over. */
export function eventStream(options: EventStreamOptions): ReadableStream<Uint8Array> {
  const { clock, next, everyMs, maxMs, onEnd } = options;
  const encoder = new TextEncoder();
  const startMs = clock.monotonicMs();
  let saidMs = startMs;
  let isOver = false;
  let cancelTimer = (): void => {};
  const end = (): void => {
    if (isOver) return;
    isOver = true;
    cancelTimer();
    onEnd();
  };
  return new ReadableStream<Uint8Array>({
    start(controller) {
      const say = (text: string): void => {
        controller.enqueue(encoder.encode(text));
        saidMs = clock.monotonicMs();
      };
      const turn = async (): Promise<void> => {
        const { event, isLast } = await next();
        if (isOver) return;
        const nowMs = clock.monotonicMs();
        if (event !== null) say(formatted(event));
        else if (nowMs - saidMs >= keepAliveMs) say(": still here\n\n");
        if (isLast || nowMs - startMs >= maxMs) {
          end();
          controller.close();
          return;
        }
        cancelTimer = clock.after(everyMs, () => void tryTurn());
      };
      const tryTurn = (): Promise<void> =>
        turn().catch((error: unknown) => {
          if (isOver) return;
          end();
          controller.error(error);
        });
      return tryTurn();
    },
    cancel: end,
  });
}

/** Data without line feeds, as JSON has none. */
function formatted({ event, id, data }: ServerSentEvent): string {
  return `event: ${event}\nid: ${id}\ndata: ${data}\n\n`;
}
