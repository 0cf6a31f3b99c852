import { expect, test } from "vitest";
import { createManualClock } from "../../../../adapters/memory/clock.ts";
import { createMemoryObjectStore } from "../../../../adapters/memory/object-store.ts";
import type { LoadCounters } from "../../../../broker/container/load-counters.ts";
import { startLoadReports } from "../../../../broker/container/load-report.ts";
import { silentLog } from "../../../../broker/log-output.ts";
import { decodeLoadReport, loadKey, loadPrefix } from "../../../../metadata/load/load-report.ts";
import type { ObjectStore } from "../../../../ports/object-store.ts";
import { createCellFixture } from "../../functions/cell-fixture.ts";

const minuteMs = 60_000;
const nothing: LoadCounters = { bytesIn: 0, bytesOut: 0, clientBytes: 0, connectionCount: 0 };

async function reporting(objects: ObjectStore = createMemoryObjectStore()) {
  const { replica } = await createCellFixture(2);
  const clock = createManualClock({ startMs: Date.parse("2026-11-28T12:00:00Z") });
  const counted = { now: nothing };
  const warnings: string[] = [];
  const heard: number[] = [];
  const stop = startLoadReports({
    cell: "test",
    brokerId: 1,
    zone: "a",
    clock,
    objects,
    image: replica.image,
    counters: () => counted.now,
    busyShare: () => 0.25,
    onSample: (sample) => void heard.push(sample.atMs),
    log: { ...silentLog, warn: (message) => void warnings.push(message) },
  });
  const report = async () => {
    const found = await objects.get(loadKey("test", 1));
    return found === null ? null : decodeLoadReport(found.bytes);
  };
  return { clock, counted, stop, report, objects, warnings, heard, replica };
}

test("every minute a broker tells what it carried in it", async () => {
  const { clock, counted, stop, report } = await reporting();
  counted.now = { bytesIn: 6_000, bytesOut: 12_000, clientBytes: 600, connectionCount: 7 };
  await clock.advance(minuteMs);
  expect(await report()).toEqual({
    brokerId: 1,
    zone: "a",
    samples: [
      {
        atMs: clock.nowMs(),
        seconds: 60,
        bytesInPerSecond: 100,
        bytesOutPerSecond: 200,
        clientBytesPerSecond: 10,
        connectionCount: 7,
        busyShare: 0.25,
      },
    ],
  });
  await stop();
});

test("a partition that leaves takes what it counted with it, which is no negative load", async () => {
  const { clock, counted, stop, report } = await reporting();
  counted.now = { ...nothing, clientBytes: 600 };
  await clock.advance(minuteMs);
  counted.now = nothing;
  await clock.advance(minuteMs);
  expect((await report())?.samples.map((each) => each.clientBytesPerSecond)).toEqual([10, 0]);
  await stop();
});

test("a report holds a quarter of an hour", async () => {
  const { clock, stop, report } = await reporting();
  for (let minute = 0; minute < 20; minute++) await clock.advance(minuteMs);
  const samples = (await report())?.samples ?? [];
  expect(samples).toHaveLength(15);
  expect(samples.at(-1)?.atMs).toBe(clock.nowMs());
  await stop();
});

test("an object store that is away is said, and asked again", async () => {
  const store = createMemoryObjectStore();
  let isAway = true;
  const { clock, stop, report, warnings, heard } = await reporting({
    ...store,
    put: (...put) => (isAway ? Promise.reject(new Error("away")) : store.put(...put)),
  });
  await clock.advance(minuteMs);
  expect(warnings).toHaveLength(1);
  isAway = false;
  await clock.advance(minuteMs);
  expect((await report())?.samples).toHaveLength(2);
  expect(heard).toHaveLength(2);
  await stop();
});

test("the controller's broker takes away the reports of brokers that are no more", async () => {
  const { clock, stop, objects, replica } = await reporting();
  for (const brokerId of [2, 77]) await objects.put(loadKey("test", brokerId), Buffer.from("{}"));
  const { epoch } = replica.image.controller;
  const office = { kind: "controller" as const, brokerId: 1, epoch: epoch + 1 };
  await replica.submit(() => ({ kind: "accepted", records: [office], result: null }));
  await clock.advance(minuteMs);
  expect((await objects.list(loadPrefix("test"))).map(({ key }) => key)).toEqual([
    loadKey("test", 1),
    loadKey("test", 2),
  ]);
  await stop();
});
