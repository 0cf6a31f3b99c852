import { expect, onTestFinished, test } from "vitest";
import { createManualClock } from "../../../../adapters/memory/clock.ts";
import { patiently } from "../../../../metadata/log/patience.ts";
import { MetadataLogError } from "../../../../ports/metadata-log.ts";

function start() {
  const clock = createManualClock();
  onTestFinished(() => clock.close());
  const said: string[] = [];
  const say = (message: string) => void said.push(message);
  return { clock, said, at: { clock, output: { info: say, warn: say, error: say } } };
}

const away = () => new MetadataLogError("unavailable", "database is locked");

test("a start waits for a metadata log that does not answer, and says so", async () => {
  const { clock, said, at } = start();
  let tries = 0;
  const started = patiently(at, async () => {
    tries += 1;
    if (tries < 4) throw away();
    return "up";
  });
  await clock.advance(3_000);
  expect(await started).toBe("up");
  expect(said).toHaveLength(3);
});

test("it gives up after a minute, with the log's own error", async () => {
  const { clock, at } = start();
  const started = patiently(at, async () => Promise.reject(away()));
  const outcome = started.catch((error: unknown) => error);
  await clock.advance(59_000);
  expect(await Promise.race([outcome, Promise.resolve("waits")])).toBe("waits");
  await clock.advance(2_000);
  expect(await outcome).toMatchObject({ code: "unavailable" });
});

test("it waits for nothing else", async () => {
  const { at, said } = start();
  const closed = new MetadataLogError("closed", "the metadata log is closed");
  await expect(patiently(at, async () => Promise.reject(closed))).rejects.toBe(closed);
  expect(said).toEqual([]);
});
