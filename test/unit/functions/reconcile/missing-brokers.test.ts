import { expect, test } from "vitest";
import type { FleetBroker, ZoneView } from "../../../../functions/reconcile/fleet-view.ts";
import { missingBrokers } from "../../../../functions/reconcile/missing-brokers.ts";

function zone(openCount: number, leavingCount = 0): ZoneView {
  const brokers = (count: number): FleetBroker[] =>
    Array.from({ length: count }, (_, brokerId) => ({ brokerId, replicaCount: 1, taskArn: "" }));
  return {
    zone: "a",
    serviceName: "service-a",
    desiredCount: 0,
    taskArns: [],
    open: brokers(openCount),
    leaving: brokers(leavingCount),
    isSettled: false,
  };
}

test.each([
  ["with the least in every zone none is missing", [zone(2), zone(2), zone(2)], 0],
  ["with more than the least none is missing", [zone(3), zone(4), zone(2)], 0],
  ["what zones lack is counted together", [zone(1), zone(0), zone(2)], 3],
  ["one too many in a zone makes up for none in another", [zone(4), zone(2), zone(1)], 1],
  ["a broker that is being emptied is in service until it goes", [zone(1, 1), zone(0, 2)], 0],
])("%s", (_what, zones, missing) => {
  expect(missingBrokers({ zones, sleep: "awake" }, { minPerZone: 2 })).toBe(missing);
});

test("a cell that sleeps lacks none, one that falls asleep does", () => {
  const zones = [zone(0), zone(1)];
  expect(missingBrokers({ zones, sleep: "asleep" }, { minPerZone: 1 })).toBe(0);
  expect(missingBrokers({ zones, sleep: "fallingAsleep" }, { minPerZone: 1 })).toBe(1);
});
