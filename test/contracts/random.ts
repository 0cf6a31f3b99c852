import { describe, expect, test } from "vitest";
import type { Random } from "../../ports/random.ts";

/** What every Random does. */
export function randomContract(name: string, open: () => Random): void {
  describe(`randomness: ${name}`, () => {
    test("bytes come in the count asked for, in a buffer of their own", () => {
      const random = open();
      for (const count of [0, 1, 3, 16, 1000]) {
        const bytes = random.bytes(count);
        expect(bytes).toHaveLength(count);
        expect(bytes.buffer.byteLength).toBe(count);
      }
    });

    test("every value of a byte occurs, and no two draws are alike", () => {
      const random = open();
      expect(new Set(random.bytes(20_000)).size).toBe(256);
      expect(random.bytes(16)).not.toEqual(random.bytes(16));
    });

    test("floats spread over [0, 1)", () => {
      const random = open();
      const tenths = Array.from({ length: 10 }, () => 0);
      for (let draw = 0; draw < 10_000; draw++) {
        const value = random.float();
        expect(value >= 0 && value < 1).toBe(true);
        const tenth = Math.floor(value * 10);
        tenths[tenth] = (tenths[tenth] ?? 0) + 1;
      }
      // Ten standard deviations from the expected 1,000.
      for (const count of tenths) expect(Math.abs(count - 1000)).toBeLessThan(300);
    });
  });
}
