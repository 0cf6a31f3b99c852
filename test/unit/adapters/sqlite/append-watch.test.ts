import { appendFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { afterEach, expect, test } from "vitest";
import { createManualClock } from "../../../../adapters/memory/clock.ts";
import { createAppendWatch } from "../../../../adapters/sqlite/append-watch.ts";
import type { AppendWatch } from "../../../../adapters/sqlite/append-watch.ts";
import { temporaryDirectory } from "../../../support/temporary-directory.ts";

const pollMs = 50;
let watch: AppendWatch;
afterEach(() => watch.close());

function watchIn(directory: string) {
  const clock = createManualClock();
  const path = `${directory}/metadata.db`;
  let [version, looks, heard] = [1, 0, 0];
  watch = createAppendWatch({
    path,
    clock,
    pollMs,
    dataVersion() {
      looks++;
      return version;
    },
  });
  watch.add(() => heard++);
  return {
    clock,
    /** As SQLite does: the file is written first, and the append becomes visible some time after. */
    write: () => appendFileSync(`${path}-wal`, "x"),
    commit: () => version++,
    looksIn: async (ms: number) => {
      const before = looks;
      await clock.advance(ms);
      return looks - before;
    },
    heard: () => heard,
  };
}

test("while nothing is written it hardly looks", async () => {
  using directory = temporaryDirectory();
  const { clock, looksIn } = watchIn(directory.path);
  await clock.advance(5_000);
  expect(await looksIn(60_000)).toBeLessThanOrEqual(61);
});

test("after a write it looks often, until the append is visible", async () => {
  using directory = temporaryDirectory();
  const { clock, write, commit, heard } = watchIn(directory.path);
  await clock.advance(5_000);
  write();
  // The system tells of it in a later turn of the event loop.
  await setTimeout(20);
  await clock.advance(5 * pollMs);
  commit();
  expect(heard()).toBe(0);
  await clock.advance(pollMs);
  expect(heard()).toBe(1);
});

test("an append that nobody told of is found within a second", async () => {
  using directory = temporaryDirectory();
  const { clock, commit, heard } = watchIn(directory.path);
  await clock.advance(5_000);
  commit();
  await clock.advance(1_000);
  expect(heard()).toBe(1);
});

test("where the directory cannot be watched it looks often, always", async () => {
  using directory = temporaryDirectory();
  const { clock, looksIn } = watchIn(`${directory.path}/missing`);
  await clock.advance(5_000);
  expect(await looksIn(1_000)).toBe(1_000 / pollMs);
});
