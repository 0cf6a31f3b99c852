// Loaded into the broker's process by --import: tells its memory every second on descriptor 3, which only the process itself knows apart.
import { writeSync } from "node:fs";

const timer = setInterval(() => {
  const { rss, heapUsed, external, arrayBuffers } = process.memoryUsage();
  try {
    writeSync(3, `${JSON.stringify({ rss, heapUsed, external, arrayBuffers })}\n`);
  } catch {
    clearInterval(timer); // Nobody listens any more.
  }
}, 1_000);
timer.unref();
