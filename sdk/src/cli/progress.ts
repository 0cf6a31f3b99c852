/** A line on stderr that rewrites itself: how far, how fast, how long still. Only for a person, and only once a second has passed. */
export type Progress = {
  /** `done` messages so far; `fraction` of the whole, where that is known. */
  update(done: number, fraction: number | null): void;
  /** Takes the line away. */
  end(): void;
};

const quietMs = 1_000;
const intervalMs = 200;

export function createProgress(stream: NodeJS.WriteStream = process.stderr): Progress {
  const startMs = performance.now();
  let shownMs = startMs + quietMs - intervalMs;
  let isShown = false;
  return {
    update(done, fraction) {
      const nowMs = performance.now();
      if (!stream.isTTY || nowMs < shownMs + intervalMs) return;
      shownMs = nowMs;
      isShown = true;
      stream.write(`\r\u001b[K${progressText(done, { fraction, elapsedMs: nowMs - startMs })}`);
    },
    end() {
      if (isShown) stream.write("\r\u001b[K");
    },
  };
}

const barWidth = 24;

export function progressText(
  done: number,
  { fraction, elapsedMs }: { fraction: number | null; elapsedMs: number },
): string {
  const rate = Math.round(done / Math.max(0.001, elapsedMs / 1000));
  const counted = `${done.toLocaleString("en-US")} messages, ${rate.toLocaleString("en-US")}/s`;
  if (fraction === null || fraction <= 0) return counted;
  const whole = Math.min(1, fraction);
  const filled = Math.round(whole * barWidth);
  const leftSeconds = Math.ceil((elapsedMs / whole - elapsedMs) / 1000);
  const bar = "█".repeat(filled) + "░".repeat(barWidth - filled);
  return `${bar} ${Math.floor(whole * 100)}%  ${counted}, ${leftSeconds} s left`;
}
