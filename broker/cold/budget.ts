/** So much at once: whoever would pass it waits for its turn, the first that came first. More than all there is counts as all. */
export type Budget = <Result>(amount: number, work: () => Promise<Result>) => Promise<Result>;

export function createBudget(limit: number): Budget {
  const waiting: { readonly amount: number; readonly go: () => void }[] = [];
  let used = 0;

  function letIn(): void {
    for (let [first] = waiting; first !== undefined; [first] = waiting) {
      if (used + first.amount > limit) return;
      used += first.amount;
      waiting.shift();
      first.go();
    }
  }

  return async (wanted, work) => {
    const amount = Math.min(wanted, limit);
    await new Promise<void>((go) => {
      waiting.push({ amount, go });
      letIn();
    });
    try {
      return await work();
    } finally {
      used -= amount;
      letIn();
    }
  };
}
