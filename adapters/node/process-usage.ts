/** Share of the time since the last call (at first since the start) in which this process's main thread had something to do, 0 to 1. */
export function createBusyShare(): () => number {
  let before = performance.eventLoopUtilization();
  return () => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, before);
    before = now;
    return Math.min(1, Math.max(0, utilization));
  };
}
