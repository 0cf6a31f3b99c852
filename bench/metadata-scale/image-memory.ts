// node --expose-gc bench/metadata-scale/image-memory.ts SNAPSHOT: what an image takes of a process. Started by standing.ts.
import { readFileSync } from "node:fs";
import { decodeSnapshot } from "../../metadata/image/snapshot.ts";

function settled(): { heapUsed: number; rss: number } {
  for (let round = 0; round < 4; round++) global.gc?.();
  const { heapUsed, rss } = process.memoryUsage();
  return { heapUsed, rss };
}

const bytes = readFileSync(process.argv[2] ?? "");
// Once for the code that it takes.
decodeSnapshot(bytes);
const before = settled();
const image = decodeSnapshot(bytes);
const after = settled();
if (image.revision === 0) throw new Error("an empty image");
process.stdout.write(
  JSON.stringify({ heapBytes: after.heapUsed - before.heapUsed, rssBytes: after.rss }),
);
