/** Values by key, the least recently used of them dropped where the sum of their costs would pass the bound. */
export type BoundedCache<Value> = {
  readonly totalCost: number;
  /** The value, as the most recently used one. */
  get(key: string): Value | undefined;
  /** Keeps it, unless it alone costs more than the bound. */
  set(key: string, value: Value, cost: number): void;
  delete(key: string): void;
  /** Drops values until at most `cost` is held. */
  shrinkTo(cost: number): void;
};

export function createBoundedCache<Value>(maxCost: number): BoundedCache<Value> {
  const held = new Map<string, { value: Value; cost: number }>();
  let totalCost = 0;
  const remove = (key: string): void => {
    totalCost -= held.get(key)?.cost ?? 0;
    held.delete(key);
  };
  const shrinkTo = (cost: number): void => {
    for (const key of held.keys()) {
      if (totalCost <= cost) return;
      remove(key);
    }
  };
  return {
    get totalCost() {
      return totalCost;
    },
    get(key) {
      const found = held.get(key);
      if (found === undefined) return undefined;
      held.delete(key);
      held.set(key, found);
      return found.value;
    },
    set(key, value, cost) {
      remove(key);
      if (cost > maxCost) return;
      shrinkTo(maxCost - cost);
      held.set(key, { value, cost });
      totalCost += cost;
    },
    delete: remove,
    shrinkTo,
  };
}
