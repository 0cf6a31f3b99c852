import type { Clock } from "../../ports/clock.ts";
import type { Guard } from "./guard.ts";

export type Reading = {
  readonly readToHead: () => Promise<number>;
  readonly readForUnknownTopic: () => Promise<number>;
};

const unknownTopicReadMs = 100;

/** Reads that are asked for while one waits for its turn share it; one that has begun may have missed the caller's append. */
export function createReading(guard: Guard, clock: Clock, catchUp: () => Promise<number>): Reading {
  let queuedRead: Promise<number> | null = null;
  let queuedLook: Promise<number> | null = null;
  let nextLookMs = 0;

  function readToHead(): Promise<number> {
    if (queuedRead !== null) return queuedRead;
    const forget = () => {
      if (queuedRead === read) queuedRead = null;
    };
    const read: Promise<number> = guard.run(() => {
      forget();
      return catchUp();
    });
    queuedRead = read;
    // Refused before it began (stopped, closed, too many waiting): the next call asks anew.
    read.catch(forget);
    return read;
  }

  return {
    readToHead,
    readForUnknownTopic() {
      const waitMs = nextLookMs - clock.monotonicMs();
      if (waitMs <= 0) {
        nextLookMs = clock.monotonicMs() + unknownTopicReadMs;
        return readToHead();
      }
      queuedLook ??= new Promise<void>((resolve) => {
        clock.after(waitMs, resolve);
      }).then(() => {
        queuedLook = null;
        nextLookMs = clock.monotonicMs() + unknownTopicReadMs;
        return readToHead();
      });
      return queuedLook;
    },
  };
}
