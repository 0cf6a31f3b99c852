import { expect, onTestFinished, test } from "vitest";
import { createManualClock } from "../../../../adapters/memory/clock.ts";
import {
  createDirtyPartitions,
  forgetAll,
  forgetPartition,
  rest,
} from "../../../../broker/fetch-sessions/dirty-partitions.ts";
import type { WantedPartition } from "../../../../broker/fetch-sessions/session-cache.ts";
import {
  isDue,
  noteTold,
  putOff,
  tellAfterMs,
} from "../../../../broker/fetch-sessions/untold-watermarks.ts";

function scene() {
  const clock = createManualClock();
  onTestFinished(() => clock.close());
  const [first, second] = [0, 1].map(
    (partition) => ({ topic: "", topicId: "t", partition }) as WantedPartition,
  ) as [WantedPartition, WantedPartition];
  const session = createDirtyPartitions([first, second], 0);
  let isWoken = false;
  session.onDirty = () => (isWoken = true);
  const putOffAtRest = (wanted: WantedPartition) => {
    rest(session, wanted, { stirs: new Set() }, () => undefined);
    putOff(session, wanted, (tell) => clock.after(tellAfterMs, tell));
  };
  return {
    clock,
    first,
    second,
    session,
    putOff: putOffAtRest,
    isWoken: () => isWoken,
    due: () => [first, second].filter((wanted) => isDue(session, wanted)),
  };
}

test("a watermark that is put off is due a little after the first of them, and wakes the fetch that waits", async () => {
  const { clock, first, second, session, putOff: later, isWoken, due } = scene();
  later(first);
  await clock.advance(tellAfterMs - 1);
  later(second);
  expect([due(), session.dirty.size, isWoken()]).toEqual([[], 0, false]);
  await clock.advance(1);
  expect([due(), [...session.dirty], isWoken()]).toEqual([[first, second], [first, second], true]);
});

test("what an answer has said is not said again", async () => {
  const { clock, first, second, session, putOff: later, isWoken, due } = scene();
  later(first);
  later(second);
  noteTold(session, [first]);
  await clock.advance(tellAfterMs);
  expect([due(), isWoken()]).toEqual([[second], true]);
  noteTold(session, [second]);
  expect(due()).toEqual([]);
});

test("when all has been said, nobody is woken, and the next one waits its full time", async () => {
  const { clock, first, session, putOff: later, isWoken } = scene();
  later(first);
  noteTold(session, [first]);
  expect(clock.nextDueMs()).toBe(null);
  await clock.advance(tellAfterMs - 1);
  later(first);
  await clock.advance(tellAfterMs - 1);
  expect(isWoken()).toBe(false);
  await clock.advance(1);
  expect(isWoken()).toBe(true);
});

test("a partition or a session that is gone leaves no timer behind", async () => {
  const { clock, first, second, session, putOff: later } = scene();
  later(first);
  forgetPartition(session, first);
  expect(clock.nextDueMs()).toBe(null);
  later(second);
  forgetAll(session);
  expect([clock.nextDueMs(), session.untold.waiting.size]).toEqual([null, 0]);
});
