/** Writes to stdout in larger pieces, at the reader's pace. A reader that has gone away (`| head`) is told of once, and what follows is dropped. */
export function createStdoutWriter(onGone: () => void) {
  let pieces: Uint8Array[] = [];
  let bytes = 0;
  let scheduled: NodeJS.Immediate | null = null;
  let isGone = false;
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    isGone = true;
    onGone();
  });

  function flush(): Promise<void> {
    if (scheduled !== null) clearImmediate(scheduled);
    scheduled = null;
    if (bytes === 0 || isGone) return Promise.resolve();
    const chunk = Buffer.concat(pieces);
    pieces = [];
    bytes = 0;
    return new Promise((resolve) => process.stdout.write(chunk, () => resolve()));
  }

  return {
    flush,
    write(piece: Uint8Array): Promise<void> | void {
      pieces.push(piece);
      bytes += piece.length;
      if (bytes >= flushBytes) return flush();
      // What is there when the loop waits for more is printed at once.
      scheduled ??= setImmediate(() => void flush());
    },
  };
}

const flushBytes = 64 * 1024;
