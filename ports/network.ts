/**
 * Byte streams between processes. Reads land in memory the reader supplies, so that a large frame is received where it will be parsed;
 * writes report when the kernel has taken the bytes, so that memory that will be overwritten (the hot ring) can be sent without a copy.
 */
export type Network = {
  /** Listens; resolves once connections are accepted. Rejects with NetworkError `inUse` if the address is taken. Port 0 picks a free one. */
  listen(address: Address, onConnection: (connection: Connection) => void): Promise<Listener>;
  /** Connects. Rejects with NetworkError: `refused` (nobody listens there), `timedOut`, or `io`. */
  dial(address: Address, options: { timeoutMs: number }): Promise<Connection>;
};

export type Address = { host: string; port: number };

export type Listener = {
  readonly address: Address;
  /** Stops accepting; open connections live on. */
  close(): Promise<void>;
};

export type Connection = {
  readonly local: Address;
  readonly remote: Address;
  /** Starts reading; called once. Nothing is read before. */
  start(reader: Reader): void;
  /** Stops calling `received` until `resume`; bytes stay in the kernel, so the peer is held back. */
  pause(): void;
  resume(): void;
  /**
   * Sends the chunks in order. True: the kernel has them already. False: they are still being read from; `taken` is called once when they
   * no longer are (sent, or the connection closed), before `closed`. `taken` is not called after true. After a close or `end` nothing is sent, and it is true.
   */
  write(chunks: readonly Uint8Array[], taken: () => void): boolean;
  /** Sends what was written, then closes. `received` is not called any more; `closed` is. */
  end(): void;
  /** Closes at once; unsent bytes are dropped. `received` is not called any more; `closed` is, later and with null. */
  destroy(): void;
};

export type Reader = {
  /**
   * Where the next bytes shall go, at least one byte long. Asked once for each `received`: some time after the one before (for the first, after
   * `start`) and never while paused, so the answer must stay good until then. Written to only right before that `received`, within one turn: connections
   * may share one answer.
   */
  buffer(): Uint8Array;
  /** `count` bytes are in the buffer last given, from its start. */
  received(count: number): void;
  /** The connection is gone, for whatever reason; called exactly once, after which nothing else is. */
  closed(error: NetworkError | null): void;
};

export type NetworkErrorCode = "inUse" | "refused" | "timedOut" | "reset" | "io";

export class NetworkError extends Error {
  readonly code: NetworkErrorCode;
  constructor(code: NetworkErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = "NetworkError";
    this.code = code;
  }
}
