import { cpuOf, memoryOf } from "../harness/process-figures.ts";
import { type BrokerProcess, emptyDataDirectory, startBroker } from "./broker-process.ts";
import { createTopics, makeBatch, produceToEach } from "./fill.ts";
import type { Figure, ScaleOptions } from "./measurement.ts";

export const name = "idle";
export const title =
  "CPU of a broker that nobody uses, with nothing, with partitions, with data in them";

const usualCount = 10_000;
/** Longer than the minute between two rounds of retention. */
const seconds = 65;
/** What follows the work (flushes, a checkpoint, garbage) is over by then. */
const settleMs = 5_000;

/** All three at once: they are processes of their own, and do next to nothing. */
export async function run({ count = usualCount, say }: ScaleOptions): Promise<Figure[]> {
  const directory = emptyDataDirectory();
  const brokers: BrokerProcess[] = [];
  try {
    for (const kind of ["empty", "idle", "filled"])
      brokers.push(await startBroker({ dataDirectory: `${directory}/${kind}`, isBare: true }));
    const [empty, idle, filled] = brokers;
    if (empty === undefined || idle === undefined || filled === undefined)
      throw new Error("three were started");
    await fill(idle, count, false);
    await fill(filled, count, true);
    await new Promise((settled) => setTimeout(settled, settleMs));
    say(`  ${seconds} s`);
    const before = brokers.map(({ pid }) => cpuOf([pid]));
    await new Promise((over) => setTimeout(over, seconds * 1000));
    const percent = brokers.map(({ pid }, index) => {
      const [now, then] = [cpuOf([pid]), before[index]!];
      return ((now.user - then.user + now.system - then.system) / seconds) * 100;
    });
    const labels = [
      "an empty broker",
      `${count} empty partitions`,
      `${count} partitions with data`,
    ];
    return labels.flatMap((label, index) => [
      { what: `${label}: CPU`, value: percent[index] ?? Number.NaN, unit: "% of a core" },
      { what: `${label}: RSS`, value: memoryOf([brokers[index]!.pid]).totalMb, unit: "MB" },
    ]);
  } finally {
    for (const broker of brokers) await broker.stop();
  }
}

async function fill(broker: BrokerProcess, partitions: number, hasData: boolean): Promise<void> {
  const client = await broker.connect();
  await createTopics(client, [{ name: "idle", partitions }]);
  if (hasData) await produceToEach(client, "idle", { partitions, batch: makeBatch(1, 1_000) });
  await client.close();
}
