// npm run bench:objects: what the object store on S3 costs this process, against versitygw over a directory of this machine. MB/s are what the two do
// together on the machine's cores; CPU is this process's alone, with its threads. Loopback without TLS.
import { createNodeClock } from "../../adapters/node/clock.ts";
import { createNodeRandom } from "../../adapters/node/random.ts";
import { createS3ObjectStore } from "../../adapters/s3/object-store.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import { versitygw } from "../../test/support/s3-servers.ts";
import { describeMachine, machineText } from "../harness/machine.ts";
import { markdownTable } from "../harness/markdown-table.ts";

const mebibyte = 1024 * 1024;

type Work = {
  readonly name: string;
  readonly sizeBytes: number;
  readonly count: number;
  readonly atATime: number;
  readonly run: (store: ObjectStore, index: number) => Promise<unknown>;
};

const segment = new Uint8Array(64 * mebibyte).map((_, index) => (index * 2654435761) >>> 13);
const small = segment.slice(0, 16 * 1024);
const rangeBytes = 4 * mebibyte;

const put = (sizeBytes: number, atATime: number, count: number): Work => {
  const bytes = sizeBytes === small.byteLength ? small : segment.subarray(0, sizeBytes);
  return {
    name: `put ${sizeText(sizeBytes)}, ${atATime} at a time`,
    sizeBytes,
    count,
    atATime,
    run: (store, index) => store.put(`objects/${sizeBytes}/${index % 16}`, bytes),
  };
};

const works: Work[] = [
  put(segment.byteLength, 1, 12),
  put(segment.byteLength, 4, 24),
  put(small.byteLength, 1, 300),
  put(small.byteLength, 16, 1_000),
  {
    name: "get 64 MiB whole, 1 at a time",
    sizeBytes: segment.byteLength,
    count: 12,
    atATime: 1,
    run: (store, index) => store.get(`objects/${segment.byteLength}/${index % 12}`),
  },
  ...[1, 4].map((atATime) => ({
    name: `get a range of 4 MiB, ${atATime} at a time`,
    sizeBytes: rangeBytes,
    count: 250,
    atATime,
    run: (store: ObjectStore, index: number) => {
      const start = (index % 16) * rangeBytes;
      return store.get(`objects/${segment.byteLength}/${index % 12}`, {
        start,
        end: start + rangeBytes,
      });
    },
  })),
];

const reason = versitygw.unavailable();
if (reason !== null) {
  console.error(reason);
  process.exit(1);
}
const server = await versitygw.start("bench");
try {
  const clock = createNodeClock();
  const random = createNodeRandom();
  const client = server.connect();
  const rows: string[][] = [];
  for (const [name, partSizes] of [
    ["", undefined],
    [" in parts of 16 MiB", { fromBytes: 32 * mebibyte, partBytes: 16 * mebibyte }],
  ] as const) {
    const store = createS3ObjectStore({
      client,
      clock,
      random,
      bucket: "bench",
      ...(partSizes === undefined ? {} : { partSizes }),
    });
    for (const work of partSizes === undefined ? works : works.slice(0, 2)) {
      rows.push([`${work.name}${name}`, ...(await measure(store, work))]);
    }
  }
  console.log(`${machineText(describeMachine())}\n`);
  console.log(markdownTable(["work", "MB/s", "calls/s", "CPU s/GB", "CPU ms/call"], rows));
} finally {
  await server.stop();
}

async function measure(store: ObjectStore, work: Work): Promise<string[]> {
  await runAll(store, work, Math.min(work.count, 2 * work.atATime));
  const beganMs = performance.now();
  const before = process.cpuUsage();
  await runAll(store, work, work.count);
  const seconds = (performance.now() - beganMs) / 1_000;
  const { user, system } = process.cpuUsage(before);
  const cpuSeconds = (user + system) / 1e6;
  const gigabytes = (work.sizeBytes * work.count) / 1e9;
  return [
    ((gigabytes * 1_000) / seconds).toFixed(0),
    (work.count / seconds).toFixed(0),
    (cpuSeconds / gigabytes).toFixed(2),
    ((cpuSeconds * 1_000) / work.count).toFixed(2),
  ];
}

async function runAll(store: ObjectStore, work: Work, count: number): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) await work.run(store, next++);
  };
  await Promise.all(Array.from({ length: work.atATime }, worker));
}

function sizeText(sizeBytes: number): string {
  return sizeBytes >= mebibyte ? `${sizeBytes / mebibyte} MiB` : `${sizeBytes / 1024} KiB`;
}
