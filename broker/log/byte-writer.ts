import { putInt32, putInt64 } from "../../protocol/records/big-endian.ts";

const initialBytes = 64 * 1024;

/** Big-endian fields one behind the other, in memory that grows. */
export class ByteWriter {
  #bytes = Buffer.allocUnsafe(initialBytes);
  #at = 0;

  get byteLength(): number {
    return this.#at;
  }

  /** Where the next `count` bytes go. `#bytes` is another buffer afterwards, perhaps. */
  #grow(count: number): number {
    if (this.#at + count > this.#bytes.length) {
      const wider = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#at + count));
      this.#bytes.copy(wider, 0, 0, this.#at);
      this.#bytes = wider;
    }
    this.#at += count;
    return this.#at - count;
  }

  uint32(value: number): void {
    const at = this.#grow(4);
    putInt32(this.#bytes, at, value);
  }

  int64(value: number): void {
    const at = this.#grow(8);
    putInt64(this.#bytes, at, value);
  }

  bytes(value: Uint8Array): void {
    this.uint32(value.length);
    const at = this.#grow(value.length);
    this.#bytes.set(value, at);
  }

  /** What was written since the last call. */
  take(): Uint8Array {
    const taken = this.#bytes.subarray(0, this.#at);
    this.#bytes = Buffer.allocUnsafe(initialBytes);
    this.#at = 0;
    return taken;
  }
}
