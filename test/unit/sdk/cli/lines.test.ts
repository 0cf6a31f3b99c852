import fc from "fast-check";
import { expect, test } from "vitest";
import { lines } from "../../../../sdk/src/cli/lines.ts";

async function linesOf(chunks: Uint8Array[]): Promise<string[]> {
  const stream = (async function* () {
    yield* chunks;
  })();
  const found: string[] = [];
  for await (const line of lines(stream)) found.push(line.toString());
  return found;
}

test("however a text is cut into chunks, its lines are the same", async () => {
  const text = fc.array(fc.constantFrom("a", "ü", "\n", " "), { maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(text, fc.array(fc.nat(8)), async (letters, cuts) => {
      const whole = Buffer.from(letters.join(""));
      const chunks: Buffer[] = [];
      let at = 0;
      for (const cut of cuts) {
        chunks.push(whole.subarray(at, at + cut));
        at += cut;
      }
      chunks.push(whole.subarray(at));
      const expected = letters.join("").split("\n");
      // What follows the last line feed is a line only if there is something.
      if (expected.at(-1) === "") expected.pop();
      expect(await linesOf(chunks)).toEqual(expected);
    }),
  );
});
