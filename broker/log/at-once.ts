/** Does `work` for every item, `limit` of them at once. Throws the first failure, when everything that was begun is over. */
export async function forEachAtOnce<Item>(
  items: readonly Item[],
  limit: number,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  let next = 0;
  let isFailed = false;
  const workThrough = async (): Promise<void> => {
    while (next < items.length && !isFailed) {
      try {
        await work(items[next++]!);
      } catch (error) {
        isFailed = true;
        throw error;
      }
    }
  };
  const workers = Array.from({ length: Math.min(limit, items.length) }, workThrough);
  for (const result of await Promise.allSettled(workers)) {
    if (result.status === "rejected") throw result.reason;
  }
}
