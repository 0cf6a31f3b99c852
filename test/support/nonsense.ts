import { writeRequestFrame } from "../../protocol/api-frame.ts";
import type { Api } from "../../protocol/api-table.ts";
import { defaultOf } from "../../protocol/schema/zero-value.ts";

/** A whole number from 0 up to, not including, `below`. */
export type Dice = (below: number) => number;

/** The same numbers for the same seed (xorshift32). */
export function createDice(seed: number): Dice {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

/** Bytes that no client should send: noise, noise in a right frame, requests cut short, requests with bytes changed. */
export function nonsense(dice: Dice, apis: readonly Api[]): Buffer {
  const kind = dice(4);
  if (kind === 0) return noise(dice, 1 + dice(5000));
  const request = emptyRequest(dice, apis);
  if (kind === 1) return request.subarray(0, 1 + dice(request.length));
  if (kind === 2) {
    // The right size and header before a body of noise.
    const body = noise(dice, dice(2000));
    const frame = Buffer.concat([request.subarray(0, 14), body]);
    frame.writeInt32BE(frame.length - 4);
    return frame;
  }
  for (let count = 1 + dice(8); count > 0; count--) {
    request[4 + dice(request.length - 4)] = dice(256);
  }
  return Buffer.concat([request, emptyRequest(dice, apis)]);
}

function noise(dice: Dice, length: number): Buffer {
  return Buffer.from(Uint8Array.from({ length }, () => dice(256)));
}

/** A request of some API, in some version, with nothing in it. */
function emptyRequest(dice: Dice, apis: readonly Api[]): Buffer {
  const api = apis[dice(apis.length)];
  if (api === undefined) throw new RangeError("no APIs");
  const [first, last] = api.request.versions;
  const version = first + dice(last - first + 1);
  const origin = { correlationId: dice(1000), clientId: dice(2) === 0 ? null : "nonsense" };
  const empty = defaultOf({ kind: "struct", fields: api.request.fields })() as never;
  const { parts } = writeRequestFrame(api.request, version, origin, empty);
  return Buffer.concat(parts as readonly Uint8Array[]);
}
