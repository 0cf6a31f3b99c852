/** Appends that wait for room, in the order they came. */
export type RoomQueue = {
  hasWaiters(): boolean;
  wait(batchBytes: number): Promise<void>;
  /** There may be room now. */
  wake(): void;
};

/**
 * Microtasks between letting one in and looking whether the next still fits: time for the former to append. Enough for a promise passed through a few async
 * functions; who needs longer finds the room taken at worst, and is refused.
 */
const turns = 8;

export function createRoomQueue(
  hasRoom: (batchBytes: number) => boolean,
  appendWaiting: () => void,
): RoomQueue {
  const waiters: { batchBytes: number; resolve: () => void }[] = [];
  let isWaking = false;

  async function letIn(): Promise<void> {
    for (;;) {
      appendWaiting();
      const first = waiters[0];
      if (first === undefined || !hasRoom(first.batchBytes)) break;
      waiters.shift();
      first.resolve();
      for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
    }
    isWaking = false;
  }

  return {
    hasWaiters: () => waiters.length > 0,
    wait: (batchBytes) =>
      new Promise((resolve) => {
        waiters.push({ batchBytes, resolve });
      }),
    wake() {
      if (isWaking) return;
      isWaking = true;
      void letIn();
    },
  };
}
