import { describe, expect, test } from "vitest";
import { createSeededRandom } from "../../adapters/memory/random.ts";
import { createNodeRandom } from "../../adapters/node/random.ts";
import { randomContract } from "./random.ts";

randomContract("the system's", createNodeRandom);
randomContract("seeded", () => createSeededRandom(7));

describe("seeded randomness", () => {
  test("repeats for the same seed and differs for another, near or beyond 32 bits", () => {
    const draw = (seed: number): string =>
      Buffer.from(createSeededRandom(seed).bytes(32)).toString("hex");
    expect(draw(1)).toBe(draw(1));
    expect(new Set([0, 1, 2, 2 ** 32, 2 ** 32 + 1].map(draw)).size).toBe(5);
  });

  test("gives the numbers it has always given, so that a failing seed stays one", () => {
    const random = createSeededRandom(42);
    expect(Buffer.from(random.bytes(8)).toString("hex")).toBe("3d945d27b4aab9d9");
    expect(random.float()).toBe(0.018084544272145786);
  });
});
