// The code that is deployed: that it is whole, how large it is, and that a deployment without changes changes nothing.
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import { FileSystem } from "aws-cdk-lib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bundleBroker } from "../../infra/assets/build-broker.ts";
import { bundleFunctions, functionEntries } from "../../infra/assets/build-functions.ts";

const root = mkdtempSync(join(tmpdir(), "myelin-code-test-"));
const [functions, again, broker] = ["functions", "again", "broker"].map((each) =>
  join(root, each),
) as [string, string, string];

beforeAll(() => {
  bundleFunctions(functions);
  bundleFunctions(again);
  bundleBroker(broker);
});
afterAll(() => rmSync(root, { recursive: true }));

/** Bytes of the bundle's files as they are uploaded, more or less: a zip packs each by itself. */
function packedBytes(directory: string): number {
  return readdirSync(directory, { recursive: true, encoding: "utf8" })
    .map((name) => join(directory, name))
    .filter((path) => statSync(path).isFile())
    .reduce((sum, path) => sum + gzipSync(readFileSync(path)).byteLength, 0);
}

describe("the functions' code", () => {
  test.each(Object.keys(functionEntries))("%s exports a handler", async (name) => {
    const file = pathToFileURL(join(functions, `${name}.mjs`)).href;
    const { handler } = (await import(file)) as { handler: unknown };
    expect(handler).toBeTypeOf("function");
  });

  test("is small: a cold start loads all of it", () => {
    // Lambda's own limit is 50 MB; of this, the AWS SDK is most.
    expect(packedBytes(functions)).toBeLessThan(1_500_000);
  });

  test("is the same twice, so that nothing is deployed for nothing", () => {
    expect(FileSystem.fingerprint(again)).toBe(FileSystem.fingerprint(functions));
  });
});

describe("the broker's code", () => {
  test("has its health check beside it", () => {
    expect(readdirSync(broker)).toEqual(expect.arrayContaining(["main.mjs", "health.mjs"]));
  });

  test("has every thread that the broker starts beside it, under the name that it is started by", () => {
    const files = readdirSync(broker).filter((name) => name.endsWith(".mjs"));
    const started = files
      .flatMap((name) => [
        ...readFileSync(join(broker, name), "utf8").matchAll(/\.\/([\w-]+-worker)(\S{0,20})/g),
      ])
      .map(([, name, ending]) => ({ name, ending }));
    expect(new Set(started.map(({ name }) => name))).toEqual(
      new Set(["compaction-worker", "wal-worker"]),
    );
    for (const { name, ending } of started) {
      expect(files).toContain(`${name}.mjs`);
      // As its caller's own file ends: what is written out would be right for the repository or for the SDK, not here.
      expect(ending).toMatch(/^\$\{/);
    }
  });
});
