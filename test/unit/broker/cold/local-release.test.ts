import { expect, test } from "vitest";
import { createManualClock } from "../../../../adapters/memory/clock.ts";
import { createMemoryDisk } from "../../../../adapters/memory/disk.ts";
import { releaseLocal } from "../../../../broker/cold/local-release.ts";
import { createPartition } from "../../../../broker/replication/partition.ts";
import { appendCommitted, createLog, openTestStore } from "../log/store-fixture.ts";

const settings = {
  localRetentionMs: 1,
  localRetentionBytes: -1,
};

test("of a log that a recovery cuts while it is looked at no more is let go of than is left", async () => {
  const { store } = await openTestStore(createMemoryDisk());
  const log = createLog(store);
  for (let number = 0; number < 200; number += 1)
    await appendCommitted(store, log, [`${number} ${"a".repeat(1_000)}`]);
  const partition = createPartition("t", 0, log);
  partition.tieredEnd = 150;
  const clock = createManualClock({ startMs: 1_000_000 });
  const releasing = releaseLocal(partition, settings, { clock });
  await log.truncateTo(100, { isRecovery: true });
  await releasing;
  expect(log.localStartOffset).toBeLessThanOrEqual(log.nextOffset);
  expect(log.nextOffset).toBe(100);
  await store.close();
});
