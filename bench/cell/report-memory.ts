// Loaded into the broker's process by --import: tells its memory every second on descriptor 3, which only the process itself knows apart.
import { writeSync } from "node:fs";
import { constants, PerformanceObserver } from "node:perf_hooks";

/** What was left after the last full collection: the heap in between is mostly garbage, and says nothing about growth. */
let liveHeap = 0;
const observer = new PerformanceObserver((list) => {
  const collections = list.getEntries() as { detail?: { kind?: number } }[];
  const isFull = collections.some(
    ({ detail }) => detail?.kind === constants.NODE_PERFORMANCE_GC_MAJOR,
  );
  if (isFull) liveHeap = process.memoryUsage().heapUsed;
});
observer.observe({ entryTypes: ["gc"] });

const timer = setInterval(() => {
  const { rss, heapUsed, external, arrayBuffers } = process.memoryUsage();
  try {
    writeSync(3, `${JSON.stringify({ rss, heapUsed, liveHeap, external, arrayBuffers })}\n`);
  } catch {
    clearInterval(timer); // Nobody listens any more.
  }
}, 1_000);
timer.unref();
