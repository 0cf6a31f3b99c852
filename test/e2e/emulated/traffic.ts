import { setTimeout as sleep } from "node:timers/promises";
import type { Cluster } from "../../../sdk/src/cluster.ts";
import type { Sent } from "../../../sdk/src/client/producer.ts";

/** A producer and a consumer of one topic that go on whatever is done to the brokers. */
export type Traffic = {
  /** What the cell has said that it has. */
  readonly acknowledged: readonly (Sent & { readonly value: string })[];
  /** Values, as the consumer was given them. */
  readonly consumed: readonly string[];
  /** Of both. */
  readonly failures: readonly string[];
  /** Ends the producer, and the consumer when it has had all that was acknowledged, or had half a minute for it. */
  stop(): Promise<void>;
};

const pauseMs = 25;
const keyCount = 24;
const catchUpMs = 30_000;

export function startTraffic(cluster: Cluster, topic: string): Traffic {
  const acknowledged: (Sent & { value: string })[] = [];
  const consumed: string[] = [];
  const failures: string[] = [];
  const failed = (error: unknown): void => void failures.push(String(error));
  const ending = { producer: new AbortController(), consumer: new AbortController() };

  async function produce(): Promise<void> {
    await using producer = cluster.producer();
    const sends = new Set<Promise<void>>();
    for (let count = 0; !ending.producer.signal.aborted; count++) {
      const key = `key-${count % keyCount}`;
      const value = valueOf(key, Math.floor(count / keyCount));
      const send = producer
        .send(topic, { key, value })
        .then((sent) => void acknowledged.push({ ...sent, value }), failed);
      sends.add(send);
      void send.finally(() => sends.delete(send));
      await sleep(pauseMs);
    }
    await Promise.all(sends);
  }

  async function consume(): Promise<void> {
    const { signal } = ending.consumer;
    const options = {
      group: `${topic}-readers`,
      topics: [topic],
      from: "beginning",
      signal,
    } as const;
    await using consumer = cluster.consumer(options);
    for await (const { value } of consumer) consumed.push(String(value));
  }

  const producing = produce().catch(failed);
  const consuming = consume().catch(failed);
  return {
    acknowledged,
    consumed,
    failures,
    async stop() {
      ending.producer.abort();
      await producing;
      for (let waitedMs = 0; waitedMs < catchUpMs; waitedMs += 100) {
        const seen = new Set(consumed);
        if (acknowledged.every(({ value }) => seen.has(value))) break;
        await sleep(100);
      }
      ending.consumer.abort();
      await consuming;
    },
  };
}

const valueOf = (key: string, number: number): string => `${key} ${number}`;

/** What is wrong with the topic or with what its consumer was given: all that was acknowledged is to be there, once, where it was said to be, in order. */
export async function auditTraffic(
  cluster: Cluster,
  topic: string,
  { acknowledged, consumed, failures }: Traffic,
): Promise<string[]> {
  const wrong = [...failures];
  const promised = new Set(acknowledged.map(placed));
  const kept: string[] = [];
  const reader = cluster.reader({ topics: [topic], from: "beginning", untilEnd: true });
  for await (const { partition, offset, value } of reader) {
    kept.push(String(value));
    const there = placed({ partition, offset, value: String(value) });
    if (!promised.delete(there)) wrong.push(`${there} is there, and was not acknowledged`);
  }
  for (const each of promised) wrong.push(`${each} was acknowledged, and is not there`);
  wrong.push(...outOfOrder(kept).map((value) => `${value} is not where its key has it`));
  // To consumers a message may be given again, and then what follows it.
  const given = [...new Set(consumed)];
  wrong.push(...outOfOrder(given).map((value) => `${value} was consumed out of order`));
  if (given.length !== acknowledged.length)
    wrong.push(`${given.length} of ${acknowledged.length} values were consumed`);
  return wrong;
}

function placed({
  partition,
  offset,
  value,
}: Pick<Sent, "partition" | "offset"> & { value: string }) {
  return `${partition} ${offset} ${value}`;
}

/** Of each key the values are to be numbered from 0 on. */
function outOfOrder(values: readonly string[]): string[] {
  const next = new Map<string, number>();
  return values.filter((value) => {
    const [key = "", number = ""] = value.split(" ");
    const expected = next.get(key) ?? 0;
    next.set(key, Number(number) + 1);
    return Number(number) !== expected;
  });
}
