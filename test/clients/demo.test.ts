import { join } from "node:path";
import { expect, test } from "vitest";
import { run } from "./drivers/child-process.ts";
import { sourceDirectory } from "./places.ts";

test("the demo finds that what came out of a group of two is what went in", async () => {
  const demo = join(sourceDirectory, "../demo/main.ts");
  const file = join(sourceDirectory, "../../LICENSE");
  // Port 9 answers nobody, so the demo starts a Myelin of its own.
  const output = await run("env", ["MYELIN_URL=http://127.0.0.1:9", process.execPath, demo, file]);
  expect(output).toContain("What came out is what went in.");
  expect(output).toMatch(/partition +lines in +lines out/);
});
