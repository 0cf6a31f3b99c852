import { randomFillSync } from "node:crypto";
import type { Random } from "../../ports/random.ts";

/** The system's cryptographic generator; its bytes are fit for key material. */
export function createNodeRandom(): Random {
  const bytes = new Uint8Array(8);
  const word = new DataView(bytes.buffer);
  return {
    bytes: (count) => randomFillSync(new Uint8Array(count)),
    float() {
      randomFillSync(bytes);
      // 53 random bits, all that a double holds in [0, 1).
      return (word.getUint32(0) * 2 ** 21 + (word.getUint32(4) >>> 11)) / 2 ** 53;
    },
  };
}
