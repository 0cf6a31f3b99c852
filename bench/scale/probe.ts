// Loaded into a broker that is measured (`node --import`): tells its parent what only the process itself knows. Idle until it is asked.
import { monitorEventLoopDelay } from "node:perf_hooks";

export type ProbeQuestion = "watch" | "report" | "collect";

export type ProbeReport = {
  readonly heapUsedMb: number;
  readonly heapTotalMb: number;
  readonly externalMb: number;
  readonly arrayBuffersMb: number;
  /** Longest time the event loop was not free since "watch", the timer's own 10 ms taken off. */
  readonly longestPauseMs: number;
  readonly p99PauseMs: number;
};

const resolutionMs = 10;
const delays = monitorEventLoopDelay({ resolution: resolutionMs });
const beyondTimer = (ns: number): number => Math.max(0, ns / 1e6 - resolutionMs);

function report(): ProbeReport {
  const { heapUsed, heapTotal, external, arrayBuffers } = process.memoryUsage();
  return {
    heapUsedMb: heapUsed / 1e6,
    heapTotalMb: heapTotal / 1e6,
    externalMb: external / 1e6,
    arrayBuffersMb: arrayBuffers / 1e6,
    longestPauseMs: beyondTimer(delays.max),
    p99PauseMs: beyondTimer(delays.percentile(99)),
  };
}

process.on("message", (question: ProbeQuestion) => {
  if (question === "watch") {
    delays.reset();
    delays.enable();
  } else {
    delays.disable();
    if (question === "collect") globalThis.gc?.();
  }
  process.send?.(report());
});
// The broker ends when it would without a parent that listens.
process.channel?.unref();
