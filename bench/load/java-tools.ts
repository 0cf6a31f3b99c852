// Kafka's own performance tools as a second opinion: they print a summary, which is read here. Each is run by a class name on a classpath.

export type JavaResult = {
  readonly records: number;
  readonly seconds: number;
  readonly bytes: number;
};

/** The last line of ProducerPerformance, "3000000 records sent, 301234.5 records/sec (287.28 MB/sec), 3.2 ms avg latency, ...". Its MB are 2^20. */
export function readProducerPerformance(output: string, recordBytes: number): JavaResult | null {
  const match = [
    ...output.matchAll(/^(\d+) records sent, ([\d.]+) records\/sec.*max latency/gm),
  ].at(-1);
  if (match === undefined) return null;
  const records = Number(match[1]);
  return { records, seconds: records / Number(match[2]), bytes: records * recordBytes };
}

/**
 * ConsumerPerformance's line of figures: start.time, end.time, data.consumed.in.MB, MB.sec, data.consumed.in.nMsg, nMsg.sec, rebalance.time.ms,
 * fetch.time.ms, ... The time to join the group is not fetching.
 */
export function readConsumerPerformance(output: string, recordBytes: number): JavaResult | null {
  const line = output.split("\n").findLast((each) => /^\d{4}-\d\d-\d\d /.test(each));
  const fields = line?.split(",").map((each) => each.trim()) ?? [];
  const records = Number(fields[4]);
  const fetchMs = Number(fields[7]);
  if (!(records > 0) || !(fetchMs > 0)) return null;
  return { records, seconds: fetchMs / 1000, bytes: records * recordBytes };
}
