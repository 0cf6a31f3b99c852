import { expect, test } from "vitest";
import { defaultCapacity, demandOf } from "../../../../functions/reconcile/demand.ts";
import type { LoadReport, LoadSample } from "../../../../metadata/load/load-report.ts";

const nowMs = Date.parse("2026-11-28T12:00:00Z");
const quiet: LoadSample = {
  atMs: nowMs,
  seconds: 60,
  bytesInPerSecond: 0,
  bytesOutPerSecond: 0,
  clientBytesPerSecond: 0,
  connectionCount: 0,
  busyShare: 0,
};

/** Reports of brokers 1, 2, ...: of each the samples, oldest first, fifteen where fewer are given (the first one again). */
function demand(
  brokers: Partial<LoadSample>[][],
  more: { brokerIds?: number[]; ageMs?: number; isShort?: boolean } = {},
) {
  const loads = new Map<number, LoadReport>();
  for (const [index, given] of brokers.entries()) {
    const brokerId = index + 1;
    const first = given[0] ?? {};
    const missing = more.isShort === true ? 0 : 15 - given.length;
    const all = [...Array.from({ length: missing }, () => first), ...given];
    const samples = all.map((sample) => ({ ...quiet, atMs: nowMs - (more.ageMs ?? 0), ...sample }));
    loads.set(brokerId, { brokerId, zone: "a", samples });
  }
  const brokerIds = more.brokerIds ?? [...loads.keys()];
  return demandOf(loads, { brokerIds, nowMs, capacity: defaultCapacity });
}

test("the kind of load that needs most brokers decides", () => {
  const busy = [{ busyShare: 0.5, connectionCount: 100 }];
  expect(demand([busy, busy, busy])).toMatchObject({ atLeast: 3, atMost: 3 });
  const connected = [{ busyShare: 0.1, connectionCount: 9_000 }];
  expect(demand([connected, connected])).toMatchObject({ atLeast: 3, atMost: 4 });
  const loud = [{ bytesInPerSecond: 20_000_000, bytesOutPerSecond: 20_000_000 }];
  expect(demand([loud])).toMatchObject({ atLeast: 2, atMost: 2 });
});

test("growth goes by the mean of three minutes, shrinking by the peak of all fifteen", () => {
  const calm = { busyShare: 0.1 };
  const spike = { busyShare: 0.9 };
  expect(demand([[calm, spike, calm, calm, calm]])).toMatchObject({ atLeast: 1, atMost: 2 });
  expect(demand([[calm, calm, spike]])).toMatchObject({ atLeast: 1 });
  expect(demand([[calm, spike, spike, spike]])).toMatchObject({ atLeast: 2 });
});

test("a broker that has told little, nothing, or nothing lately leaves the load unknown", () => {
  const calm = [{ busyShare: 0.1 }];
  expect(demand([calm, calm]).isKnown).toBe(true);
  expect(demand([calm], { brokerIds: [1, 2] }).isKnown).toBe(false);
  expect(demand([calm], { isShort: true }).isKnown).toBe(false);
  expect(demand([[{ busyShare: 0.9 }]], { ageMs: 181_000 })).toMatchObject({
    isKnown: false,
    atLeast: 0,
  });
});

test("a cell is idle when no client has written or read for a quarter of an hour", () => {
  expect(demand([[quiet], [quiet]]).isIdle).toBe(true);
  // Replication and heartbeats are no use.
  expect(demand([[{ bytesOutPerSecond: 500, connectionCount: 9 }]]).isIdle).toBe(true);
  expect(demand([[{ clientBytesPerSecond: 1 }, {}, {}], [quiet]]).isIdle).toBe(false);
  expect(demand([[quiet]], { brokerIds: [1, 2] }).isIdle).toBe(false);
});
