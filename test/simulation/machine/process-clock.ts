import type { Clock } from "../../../ports/clock.ts";
import type { World } from "../world/world.ts";
import type { SimProcess } from "./sim-process.ts";

/** A timer never fires in the turn that set it: a loop of timers without delay would else stand still in time. */
const leastDelayMs = 0.001;

/** The time a process sees: its host's clocks, and timers that fire late if it was stopped, or by bad luck. */
export function createProcessClock(world: World, process: SimProcess): Clock {
  const { host } = process;
  const { faults } = world;
  return {
    nowMs: () => host.wallMs,
    monotonicMs: () => host.monotonicMs,
    after(delayMs, run) {
      let lateMs = 0;
      if (faults.strikes("clock.lateTimer")) {
        lateMs = faults.stream("clock.lateTimer").logBetween(1, 200);
      }
      const realMs = Math.max(leastDelayMs, delayMs / host.clockRate) + lateMs;
      let isOver = false;
      const event = world.schedule(realMs, "timer", () => {
        process.fire({ dueMs: event.atMs, sequence: event.sequence, run: runOnce });
      });
      function runOnce(): void {
        if (isOver) return;
        isOver = true;
        run();
      }
      return () => {
        if (isOver) return;
        isOver = true;
        world.cancel(event);
      };
    },
  };
}
