// Appends records with known ids to a log store in the directory given, as fast as it takes them, and writes each id into the
// other file given once it is acknowledged. Small files and
// log starts that follow the head keep rotation and reclaim busy. Runs until it is killed.
import { openSync, writeSync } from "node:fs";
import { createNodeClock } from "../../../../adapters/node/clock.ts";
import { createNodeDisk } from "../../../../adapters/node/disk.ts";
import { batchFactsAt } from "../../../../broker/log/batch-validation.ts";
import { openLogStore } from "../../../../broker/log/log-store.ts";
import type { PartitionLog } from "../../../../broker/log/partition-log.ts";
import { silentLog } from "../../../../broker/log-output.ts";
import { buildBatch } from "../../../../protocol/records/build.ts";
import { killConfig, killLogs, keptOffsets } from "../wal-kill-config.ts";

const [directory = "", acknowledged = "", round = "0"] = process.argv.slice(2);
const output = openSync(acknowledged, "a");
const store = await openLogStore({
  disk: createNodeDisk(),
  clock: createNodeClock(),
  directory,
  config: killConfig,
  producerLimits: { expirationMs: 1e9, maxProducers: 10, budget: { used: 0, limit: 100 } },
  log: silentLog,
  onFatal(error) {
    throw error;
  },
});

const waiting = new Map<PartitionLog, { offset: number; text: string }[]>();
store.onCommit((logs) => {
  let lines = "";
  for (const log of logs) {
    log.advanceHighWatermark(log.logEndOffset);
    const queue = waiting.get(log) ?? [];
    while (queue[0] !== undefined && queue[0].offset < log.logEndOffset) {
      lines += `${log.index} ${queue[0].offset} ${queue[0].text}\n`;
      queue.shift();
    }
    const start = log.logEndOffset - keptOffsets;
    if (start > log.logStartOffset + keptOffsets / 4) void moveStart(log, start);
  }
  writeSync(output, lines);
});

async function moveStart(log: PartitionLog, start: number): Promise<void> {
  if (await log.moveLogStart(start)) writeSync(output, `start ${log.index} ${start}\n`);
}

async function appendForever(index: number): Promise<void> {
  const log = store.partition("topic", index) ?? store.create("topic", index);
  const leaderEpoch = Math.max(0, log.leaderEpoch) + 1;
  log.startLeaderEpoch(leaderEpoch);
  waiting.set(log, []);
  for (let count = 0; ; count += 1) {
    const text = `${round}-${index}-${count}`;
    const padding = Buffer.alloc((count * 7919) % 3_000, count);
    const record = { key: Buffer.from(text), value: padding, timestamp: count };
    const batch = buildBatch([record]);
    await store.room(batch.length);
    const outcome = log.append(batch, batchFactsAt(batch, 0), {
      leaderEpoch,
      durability: index % 2 === 0 ? "fsync" : "replicated",
      nowMs: Date.now(),
    });
    if (outcome.kind !== "appended") throw new Error(JSON.stringify(outcome));
    waiting.get(log)!.push({ offset: outcome.baseOffset, text });
    if (count % 16 === 15) await new Promise((done) => setImmediate(done));
  }
}

writeSync(1, "up\n");
await Promise.all(Array.from({ length: killLogs }, (_, index) => appendForever(index)));
