/** Lets a loop sleep until something it looks at has changed. A wake with nobody waiting is kept for the next wait. */
export function createWaiter() {
  let waiting: (() => void)[] = [];
  let isAwake = false;
  return {
    wake(): void {
      isAwake = waiting.length === 0;
      const woken = waiting;
      waiting = [];
      for (const each of woken) each();
    },
    wait(): Promise<void> {
      if (isAwake) {
        isAwake = false;
        return Promise.resolve();
      }
      return new Promise((resolve) => waiting.push(resolve));
    },
  };
}
