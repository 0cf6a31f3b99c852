/** The bounds of a server. Several listeners of one broker share them, but for those said to be per connection. */
export type ServerLimits = {
  /** Kafka's socket.request.max.bytes. */
  readonly maxFrameBytes: number;
  /** Memory of frames being received or lent to handlers; one larger frame is admitted when no other is in flight. */
  readonly frameBudgetBytes: number;
  /** Free frame memory kept for the next frames. */
  readonly retainedFrameBytes: number;
  /** Read from all connections in turn; also the most that one read takes. */
  readonly scratchBytes: number;
  readonly maxConnections: number;
  /** Requests of one connection that are running or whose responses are not sent yet. */
  readonly maxRequestsInFlight: number;
  /** Response bytes of one connection held in memory above which none of its requests is started. Ranges of the log do not count. */
  readonly maxWaitingResponseBytes: number;
  /** Handed to a socket at once, at the most. Slow ones are handed less. */
  readonly writeBytes: number;
  /** Kafka's connections.max.idle.ms. */
  readonly maxIdleMs: number;
  /** A connection that stops in the middle of a frame holds memory that others need. */
  readonly maxFrameStallMs: number;
};

export const defaultServerLimits: ServerLimits = {
  maxFrameBytes: 100 * 1024 * 1024,
  frameBudgetBytes: 64 * 1024 * 1024,
  retainedFrameBytes: 16 * 1024 * 1024,
  scratchBytes: 64 * 1024,
  maxConnections: 10_000,
  maxRequestsInFlight: 64,
  maxWaitingResponseBytes: 1024 * 1024,
  writeBytes: 1024 * 1024,
  maxIdleMs: 600_000,
  maxFrameStallMs: 60_000,
};
