/** A line on stderr that rewrites itself: how far, how fast, how long still. Only for a person, and only once a second has passed. */
export type Progress = {
  /** `done` units so far; `fraction` of the whole, where that is known. */
  update(done: number, fraction: number | null): void;
  /** Takes the line away. */
  end(): void;
};

const quietMs = 1_000;
const intervalMs = 200;

export function createProgress({
  stream = process.stderr,
  unit = "messages",
}: { stream?: NodeJS.WriteStream; unit?: string } = {}): Progress {
  const startMs = performance.now();
  let shownMs = startMs + quietMs - intervalMs;
  let isShown = false;
  // What was done before anybody looked says nothing about the pace.
  let first: Reached | null = null;
  return {
    update(done, fraction) {
      const nowMs = performance.now();
      first ??= { done, fraction };
      if (!stream.isTTY || nowMs < shownMs + intervalMs) return;
      shownMs = nowMs;
      isShown = true;
      const elapsedMs = nowMs - startMs;
      stream.write(`\r\u001b[K${progressText(done, { fraction, elapsedMs, unit, first })}`);
    },
    end() {
      if (isShown) stream.write("\r\u001b[K");
    },
  };
}

type Reached = { done: number; fraction: number | null };

const barWidth = 24;

export function progressText(
  done: number,
  {
    fraction,
    elapsedMs,
    unit = "messages",
    first = { done: 0, fraction: 0 },
  }: { fraction: number | null; elapsedMs: number; unit?: string; first?: Reached },
): string {
  const rate = Math.round((done - first.done) / Math.max(0.001, elapsedMs / 1000));
  const counted = `${done.toLocaleString("en-US")} ${unit}, ${rate.toLocaleString("en-US")}/s`;
  if (fraction === null || fraction <= 0) return counted;
  const whole = Math.min(1, fraction);
  const filled = Math.round(whole * barWidth);
  const bar = "█".repeat(filled) + "░".repeat(barWidth - filled);
  const gained = whole - (first.fraction ?? 0);
  // Where nothing has moved yet nobody knows.
  const left = gained > 0 ? `, ${Math.ceil(((1 - whole) * elapsedMs) / gained / 1000)} s left` : "";
  return `${bar} ${Math.floor(whole * 100)}%  ${counted}${left}`;
}
