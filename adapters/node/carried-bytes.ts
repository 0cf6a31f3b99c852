import assert from "node:assert";
import { isMarkedAsUntransferable } from "node:worker_threads";

/** A message as `postMessage` takes it, with its second argument. */
export type HandedOver<Message> = {
  readonly message: Message;
  readonly transferList: ArrayBuffer[];
};

/**
 * A message to another thread whose `bytes`, if it has any, move there: as they are where they are the whole of their buffer; else (Node's pool, a slice of
 * something larger, shared memory) as a copy, for a buffer that moves is gone for all who share it, and a post of a slice copies all of what is below.
 */
export function handOver<Message extends object>(message: Message): HandedOver<Message> {
  if (!("bytes" in message) || !(message.bytes instanceof Uint8Array)) {
    return { message, transferList: [] };
  }
  const { buffer, byteLength } = message.bytes;
  assert(!(buffer instanceof ArrayBuffer && buffer.detached), "bytes that were not given away yet");
  if (
    buffer instanceof ArrayBuffer &&
    buffer.byteLength === byteLength &&
    !isMarkedAsUntransferable(buffer)
  ) {
    return { message, transferList: [buffer] };
  }
  const bytesCopy = new Uint8Array(message.bytes);
  return { message: { ...message, bytes: bytesCopy }, transferList: [bytesCopy.buffer] };
}
