import { expect, test } from "vitest";
import {
  createFetchSessionClient,
  type PartitionWish,
} from "../../../../broker/replication/fetch-session-client.ts";

const wish = (index: number, pressedEnd = -1): PartitionWish => ({
  topicId: "t",
  index,
  leaderEpoch: 5,
  fetchOffset: 100,
  lastFetchedEpoch: 4,
  logStartOffset: 0,
  highWatermark: 100,
  pressedEnd,
});

const wanted = (...wishes: PartitionWish[]) =>
  new Map(wishes.map((each) => [String(each.index), each]));

test("what a leader has refused is asked again, though nothing has changed", () => {
  const session = createFetchSessionClient();
  const all = wanted(wish(0), wish(1, 90));
  expect(session.next(all).wishes).toEqual([wish(0), wish(1, 90)]);
  session.answered(7);
  // Its leader had yet to hear that it leads.
  session.refused("1");
  expect(session.next(all).wishes).toEqual([wish(1, 90)]);
  session.answered(7);
  expect(session.next(all).wishes).toEqual([]);
});

test("what was refused and is asked for no longer is forgotten", () => {
  const session = createFetchSessionClient();
  session.next(wanted(wish(0), wish(1)));
  session.answered(7);
  session.refused("1");
  const next = session.next(wanted(wish(0)));
  expect([next.wishes, next.forgotten]).toEqual([[], [{ topicId: "t", index: 1 }]]);
});
