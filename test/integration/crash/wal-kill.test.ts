import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { createNodeClock } from "../../../adapters/node/clock.ts";
import { createNodeDisk } from "../../../adapters/node/disk.ts";
import { silentLog } from "../../../broker/log-output.ts";
import { openLogStore } from "../../../broker/log/log-store.ts";
import { decodeBatch } from "../../../protocol/records/decode.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";
import { killConfig, killLogs } from "./wal-kill-config.ts";

const child = fileURLToPath(new URL("./processes/append-forever.ts", import.meta.url));
/** By this offset the writer has changed files, and let go of some. */
const rotatedBy = 1_000;
const budgetMs = Number(process.env["WAL_KILL_MS"] ?? 12_000);

/** Runs the child for that long, kills it, and gives what it has said. */
async function appendUntilKilled(
  directory: string,
  round: number,
  lifeMs: number,
): Promise<string[]> {
  const acknowledged = `${directory}/acknowledged-${round}`;
  const running = spawn(
    process.execPath,
    [child, `${directory}/wal`, acknowledged, String(round)],
    {
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  let errors = "";
  running.stderr.on("data", (chunk: Buffer) => (errors += chunk.toString()));
  const ended = once(running, "close");
  await Promise.race([once(running.stdout, "data"), ended]);
  await new Promise((done) => setTimeout(done, lifeMs));
  running.kill("SIGKILL");
  const [code] = (await ended) as [number | null];
  if (code !== null) throw new Error(`the child ended by itself with ${code}: ${errors}`);
  const lines = readFileSync(acknowledged, "utf8").split("\n");
  // The last may be cut off.
  lines.pop();
  return lines;
}

type Known = { start: number; end: number; readonly texts: Map<number, string> };

const note = (known: readonly Known[], line: string): void => {
  const [first = "", second = "", third = ""] = line.split(" ");
  if (first === "start") {
    const log = known[Number(second)]!;
    log.start = Math.max(log.start, Number(third));
    return;
  }
  const log = known[Number(first)]!;
  const offset = Number(second);
  expect(offset, "an acknowledged offset is given once").toBeGreaterThanOrEqual(log.end);
  log.texts.set(offset, third);
  log.end = offset + 1;
};

test("a writer killed again and again loses nothing it was told is written", async () => {
  using directory = temporaryDirectory();
  const known = Array.from({ length: killLogs }, (): Known => ({
    start: 0,
    end: 0,
    texts: new Map(),
  }));
  const disk = createNodeDisk();
  const endMs = performance.now() + budgetMs;
  let highest = 0;
  // On a machine that does other things as well it takes longer to get there, and checks the same.
  const isFar = (): boolean => highest > rotatedBy;
  for (let round = 0; round < 2 || performance.now() < endMs || !isFar(); round += 1) {
    const lines = await appendUntilKilled(directory.path, round, (round * 137) % 500);
    for (const line of lines) note(known, line);
    const store = await openLogStore({
      disk,
      clock: createNodeClock(),
      directory: `${directory.path}/wal`,
      config: killConfig,
      producerLimits: { expirationMs: 1e9, maxProducers: 10, budget: { used: 0, limit: 100 } },
      log: silentLog,
      onFatal(error) {
        throw error;
      },
    });
    for (const [index, log] of known.entries()) {
      const found = store.partition("topic", index);
      if (found === undefined) {
        expect(log.end).toBe(0);
        continue;
      }
      expect(found.failure).toBe(null);
      expect(found.logStartOffset).toBeGreaterThanOrEqual(log.start);
      expect(found.logEndOffset).toBeGreaterThanOrEqual(log.end);
      let next = found.logStartOffset;
      for await (const batch of found.readBatches(found.logStartOffset, found.logEndOffset)) {
        const decoded = decodeBatch(batch, 0, 1e6);
        if (decoded.kind !== "decoded") throw new Error(decoded.message);
        for (const { offset, key } of decoded.records) {
          expect(offset).toBe(next);
          next = offset + 1;
          const text = Buffer.from(key!).toString();
          expect(log.texts.get(offset) ?? text).toBe(text);
          // Found, so it stays: the next life goes on behind it.
          log.texts.set(offset, text);
        }
      }
      expect(next).toBe(found.logEndOffset);
      log.end = found.logEndOffset;
      log.start = found.logStartOffset;
      highest = Math.max(highest, log.end);
    }
    await store.close();
  }
  await disk.close();
});
