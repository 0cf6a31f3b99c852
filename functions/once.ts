/** Opens with the first call, and again with the next where that failed: who comes meanwhile shares it. */
export function once<Value>(open: () => Promise<Value>): () => Promise<Value> {
  let opening: Promise<Value> | null = null;
  return async () => {
    const opened = (opening ??= open());
    try {
      return await opened;
    } catch (error) {
      if (opening === opened) opening = null;
      throw error;
    }
  };
}
