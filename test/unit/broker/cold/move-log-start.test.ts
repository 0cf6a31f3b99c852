import { expect, test } from "vitest";
import { createMemoryDisk } from "../../../../adapters/memory/disk.ts";
import { moveLogStartEverywhere } from "../../../../broker/cold/move-log-start.ts";
import type { Written } from "../../../../broker/cold/tier-writer.ts";
import { createPartition } from "../../../../broker/replication/partition.ts";
import { appendCommitted, createLog, openTestStore } from "../log/store-fixture.ts";

test("a log that a recovery has cut while the manifest was being put does not begin behind its end", async () => {
  const { store } = await openTestStore(createMemoryDisk());
  const log = createLog(store);
  for (let number = 0; number < 10; number += 1) await appendCommitted(store, log, [`${number}`]);
  const partition = createPartition(log.topicId, log.index, log);
  const tierWriter = {
    async leave(): Promise<Written> {
      await log.truncateTo(5, { isRecovery: true });
      return { kind: "done" };
    },
  };
  expect(await moveLogStartEverywhere(tierWriter, partition, 8)).toBe(false);
  expect([log.logStartOffset, log.nextOffset]).toEqual([0, 5]);
  await store.close();
});
