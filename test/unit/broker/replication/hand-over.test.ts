import { expect, test } from "vitest";
import { createHandOver } from "../../../../broker/replication/hand-over.ts";
import type { Partition } from "../../../../broker/replication/partition.ts";
import type { FailedLeadership } from "../../../../metadata/commands/resign-leaderships.ts";
import type { Image } from "../../../../metadata/image/image.ts";

const selfId = 1;

/** A partition led here, as far as handing over looks at it, with these in sync. */
function led(isr: readonly number[]): Partition {
  const leaderState = { assignment: { isr } };
  const about = { topicId: "t", index: isr.length, leaderEpoch: 4 };
  return { ...about, isLeader: true, isRefusing: false, leaderState } as unknown as Partition;
}

function office(partitions: readonly Partition[], states: Record<number, string> = {}) {
  const brokers = new Map([1, 2, 3].map((id) => [id, { state: states[id] ?? "active" }]));
  const resigned: FailedLeadership[] = [];
  const look = createHandOver({
    brokerId: selfId,
    image: () => ({ brokers }) as unknown as Image,
    partitions: () => partitions,
    resign: (leaving) => void resigned.push(...leaving),
  });
  return { look, resigned };
}

test("a leader that goes on refusing appends hands over to another that is in sync", () => {
  const full = led([1, 2]);
  const { look, resigned } = office([full, led([1, 2, 3])]);
  full.isRefusing = true;
  look();
  expect(resigned).toEqual([]);
  look();
  expect(resigned).toEqual([{ topicId: "t", index: 2, leaderEpoch: 4, isDamaged: false }]);
});

test("a leader that refused once, and then appended again, stays", () => {
  const busy = led([1, 2]);
  const { look, resigned } = office([busy]);
  for (let round = 0; round < 4; round++) {
    busy.isRefusing = round % 2 === 0;
    look();
  }
  expect(resigned).toEqual([]);
});

test.each([
  { isr: [1], states: {}, why: "nobody else is in sync" },
  { isr: [1, 2], states: { 2: "fenced" }, why: "the other one in sync is out of service" },
])("a leader that refuses appends stays where $why", ({ isr, states }) => {
  const full = led(isr);
  full.isRefusing = true;
  const { look, resigned } = office([full], states);
  for (let round = 0; round < 3; round++) look();
  expect(resigned).toEqual([]);
});
