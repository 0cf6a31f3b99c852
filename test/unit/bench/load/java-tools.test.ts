import { expect, test } from "vitest";
import {
  readConsumerPerformance,
  readProducerPerformance,
} from "../../../../bench/load/java-tools.ts";

const produced = `1493200 records sent, 298520.6 records/sec (284.69 MB/sec), 380.4 ms avg latency, 561.0 ms max latency.
3000000 records sent, 300000.0 records/sec (286.10 MB/sec), 376.32 ms avg latency, 561.00 ms max latency, 379 ms 50th, 441 ms 95th, 533 ms 99th, 556 ms 99.9th.
`;

test("the producer's last line sums up, not its progress", () => {
  expect(readProducerPerformance(produced, 1000)).toEqual({
    records: 3_000_000,
    seconds: 10,
    bytes: 3e9,
  });
});

const consumed = `start.time, end.time, data.consumed.in.MB, MB.sec, data.consumed.in.nMsg, nMsg.sec, rebalance.time.ms, fetch.time.ms, fetch.MB.sec, fetch.nMsg.sec
2026-11-21 06:24:01:123, 2026-11-21 06:24:08:456, 2861.0229, 390.1, 3000000, 409081.0, 233, 7000, 408.7, 428571.4
`;

test("the consumer's time to join its group is not counted", () => {
  expect(readConsumerPerformance(consumed, 1000)).toEqual({
    records: 3_000_000,
    seconds: 7,
    bytes: 3e9,
  });
});

test("output without figures gives none", () => {
  expect(readProducerPerformance("ERROR timed out", 1000)).toBeNull();
  expect(readConsumerPerformance("", 1000)).toBeNull();
});
