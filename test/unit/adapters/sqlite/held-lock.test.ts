import { DatabaseSync } from "node:sqlite";
import { expect, onTestFinished, test } from "vitest";
import { createManualClock } from "../../../../adapters/memory/clock.ts";
import { openSqliteMetadataLog } from "../../../../adapters/sqlite/metadata-log.ts";
import { temporaryDirectory } from "../../../support/temporary-directory.ts";

const entry = Uint8Array.from([1, 2, 3]);

/** A process that was stopped while it wrote holds the lock until it goes on. */
function holdLock(path: string): () => void {
  const holder = new DatabaseSync(path);
  holder.exec("BEGIN IMMEDIATE");
  return () => {
    holder.exec("ROLLBACK");
    holder.close();
  };
}

test("who holds the lock of the metadata log keeps nobody from opening and reading it, and delays what is written", async () => {
  using directory = temporaryDirectory();
  const path = `${directory.path}/metadata.db`;
  const clock = createManualClock();
  onTestFinished(() => clock.close());
  const first = await openSqliteMetadataLog(path, { clock, version: 1 });
  expect(await first.genesis(1, entry)).toBe("accepted");
  const release = holdLock(path);
  // The clock stands still: whoever waited would wait for ever.
  const second = await openSqliteMetadataLog(path, { clock, version: 1 });
  expect(await second.read(1, 10)).toEqual([{ revision: 1, entry }]);
  const appended = second.append(2, entry);
  await clock.advance(1_000);
  expect(await second.read(2, 10)).toEqual([]);
  release();
  await clock.advance(5);
  expect(await appended).toBe("accepted");
  await first.close();
  await second.close();
});
