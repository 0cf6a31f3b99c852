import { MyelinError } from "../errors.ts";

/** An item with the promise of whoever added it. */
export type Pending<Item, Done> = {
  readonly item: Item;
  readonly sizeBytes: number;
  readonly resolve: (done: Done) => void;
  readonly reject: (error: MyelinError) => void;
};

export type SendQueueOptions<Item, Done> = {
  /** How long the first item of a request waits for others. */
  readonly lingerMs: number;
  readonly maxRequestBytes: number;
  readonly maxQueuedBytes: number;
  /** Sends one request and settles its items; must not reject. One at a time, so that order is kept across retries. */
  readonly send: (batch: readonly Pending<Item, Done>[]) => Promise<void>;
};

/** Gathers items into requests, one request under way at a time. */
export function createSendQueue<Item, Done>(options: SendQueueOptions<Item, Done>) {
  let waiting: Pending<Item, Done>[] = [];
  let waitingBytes = 0;
  let queuedBytes = 0;
  let running: Promise<void> | null = null;
  let timer: NodeJS.Timeout | null = null;

  function nextBatch(): Pending<Item, Done>[] {
    let bytes = 0;
    let count = 0;
    for (const { sizeBytes } of waiting) {
      if (count > 0 && bytes + sizeBytes > options.maxRequestBytes) break;
      bytes += sizeBytes;
      count++;
    }
    const batch = waiting.slice(0, count);
    waiting = waiting.slice(count);
    waitingBytes -= bytes;
    return batch;
  }

  async function drain(): Promise<void> {
    try {
      while (waiting.length > 0) {
        const batch = nextBatch();
        await options.send(batch);
        for (const { sizeBytes } of batch) queuedBytes -= sizeBytes;
      }
    } finally {
      // With the look that found nothing more, not a turn later: what is added between the two would wait for nobody.
      running = null;
    }
  }

  function start(): void {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    if (waiting.length > 0) running ??= drain();
  }

  return {
    /** More than half of what may be queued is. */
    get isFull(): boolean {
      return queuedBytes > options.maxQueuedBytes / 2;
    },
    add(item: Item, sizeBytes: number): Promise<Done> {
      if (queuedBytes + sizeBytes > options.maxQueuedBytes && queuedBytes > 0) {
        const message = `${queuedBytes} bytes wait to be sent; await earlier sends before sending more (the limit is ${options.maxQueuedBytes})`;
        return Promise.reject(new MyelinError("QUEUE_FULL", message, { retriable: true }));
      }
      queuedBytes += sizeBytes;
      waitingBytes += sizeBytes;
      return new Promise((resolve, reject) => {
        waiting.push({ item, sizeBytes, resolve, reject });
        if (running !== null) return;
        if (waitingBytes >= options.maxRequestBytes || options.lingerMs <= 0) start();
        else timer ??= setTimeout(start, options.lingerMs);
      });
    },
    async flush(): Promise<void> {
      while (waiting.length > 0 || running !== null) {
        start();
        await running;
      }
    },
  };
}
