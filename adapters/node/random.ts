import { randomFillSync } from "node:crypto";
import type { Random } from "../../ports/random.ts";

/** The system's cryptographic generator; its bytes are fit for key material. */
export function createNodeRandom(): Random {
  const word = new DataView(new ArrayBuffer(8));
  return {
    bytes: (count) => randomFillSync(new Uint8Array(count)),
    float() {
      randomFillSync(word);
      // 53 random bits, all that a double holds in [0, 1).
      return (word.getUint32(0) * 2 ** 21 + (word.getUint32(4) >>> 11)) / 2 ** 53;
    },
  };
}
