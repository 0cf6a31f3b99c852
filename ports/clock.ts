/**
 * Time. Everything that waits or stamps goes through here, so that the simulator and the test broker own it.
 */
export type Clock = {
  /** Wall time in milliseconds since the Unix epoch; may step. For record and metadata timestamps only. */
  nowMs(): number;
  /** Milliseconds from an arbitrary origin, fractional, never going back. For deadlines and durations. */
  monotonicMs(): number;
  /**
   * Calls `run` once, `delayMs` from now (never before this call returned, whatever the delay).
   * The returned function cancels it; cancelling after it ran does nothing.
   */
  after(delayMs: number, run: () => void): () => void;
};
