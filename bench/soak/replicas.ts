import { crc32 } from "node:zlib";
import type { Image } from "../../metadata/image/image.ts";
import { topicByName } from "../../metadata/image/image.ts";
import type { ClusterClient } from "../cell/cluster-client.ts";
import { boundsOf, recordsFrom } from "./kafka-calls.ts";

type Read = { readonly topic: string; readonly partition: number };
type Bounds = { readonly start: number; readonly end: number };

const caughtUpLimitMs = 30_000;

/** Where in-sync replicas do not show what their leader shows, record by record; at rest, when nothing is written. */
export async function differencesBetweenReplicas(
  client: ClusterClient,
  { image, clusterId }: { image: Image; clusterId: string },
  topics: readonly string[],
): Promise<string[]> {
  const found: string[] = [];
  for (const name of topics)
    for (const { index, leader, isr } of topicByName(image, clusterId, name)?.partitions ?? []) {
      const read = { topic: name, partition: index };
      const bounds = await client.atLeader(name, index, (broker) => boundsOf(broker, name, index));
      const expected = await sumOf(client, { read, bounds, brokerId: null });
      for (const brokerId of isr) {
        if (brokerId === leader) continue;
        const shown = await sumOf(client, { read, bounds, brokerId });
        if (shown !== expected)
          found.push(
            `${name}:${index} from ${bounds.start} to ${bounds.end} shows ${shown} at broker ${brokerId}, ${expected} at its leader ${leader}`,
          );
      }
    }
  return found;
}

/** A checksum of every offset and value, and how many there are; at a follower if one is named. */
async function sumOf(
  client: ClusterClient,
  { read, bounds, brokerId }: { read: Read; bounds: Bounds; brokerId: number | null },
): Promise<string> {
  const { topic, partition } = read;
  const deadline = performance.now() + caughtUpLimitMs;
  let sum = 0;
  let count = 0;
  for (let next = bounds.start; next < bounds.end;) {
    const place = { topic, partition, offset: next };
    const records =
      brokerId === null
        ? await client.atLeader(topic, partition, (broker) => recordsFrom(broker, place))
        : await client.atBroker(brokerId, (broker) =>
            recordsFrom(broker, place, { isFollower: true }),
          );
    for (const { offset, value } of records) {
      if (offset >= bounds.end) break;
      sum = crc32(`${offset}`, crc32(value, sum));
      count++;
      next = offset + 1;
    }
    // A follower hears of the last high watermark with its next fetch.
    if (records.length === 0 && performance.now() > deadline) break;
  }
  return `${count} records with the checksum ${sum}`;
}
