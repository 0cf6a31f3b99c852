import { Command, InvalidArgumentError, Option } from "commander";
import type { CostLine } from "../cost/cost-line.ts";
import type { CostEstimate, CostQuestion } from "../cost/estimate.ts";
import { estimate } from "../cost/estimate.ts";
import { priceRegion, pricesAsOf } from "../cost/prices.ts";
import { sizes } from "../cost/sizes.ts";
import type { SizeName } from "../cost/sizes.ts";
import { parseSize } from "../units.ts";
import { counted } from "./cell-report.ts";
import { duration, positiveNumber, wholeNumber } from "./option-values.ts";
import { createOutput } from "./output.ts";

type Options = {
  in: number;
  retention: number;
  consumers: number;
  zones?: number;
  partitions: number;
  replicas?: number;
  size: SizeName;
  acrossZones: boolean;
};

export function costCommand(): Command {
  return new Command("cost")
    .description("what a cell in AWS costs a month, and where that comes from")
    .option("--in <rate>", "what producers send, compressed, as in 10MBps", rate, 1_000_000)
    .option("--retention <duration>", "how long it is kept, as in 7d", duration, 7 * 86_400_000)
    .option("--consumers <number>", "how often everything is read", wholeNumber, 1)
    .option("--zones <number>", "of the brokers (the size's own)", positiveNumber)
    .option("--partitions <number>", "of all topics", positiveNumber, 60)
    .option("--replicas <number>", "copies of each record (3, or one per zone)", positiveNumber)
    .addOption(
      new Option("--size <name>", "of the cell: a profile of the CDK app")
        .choices(Object.keys(sizes))
        .default("standard" satisfies SizeName),
    )
    .option("--across-zones", "clients do not know which zone they are in", false)
    .action((options: Options, command: Command) => {
      const question = questionOf(options);
      const answer = estimate(question);
      const output = createOutput(command.optsWithGlobals<{ json?: boolean }>().json === true);
      if (output.isJson) {
        output.json({ region: priceRegion, prices_as_of: pricesAsOf, ...shapeOf(answer) });
        return;
      }
      const { header, rows } = costTable(answer);
      output.table(header, rows);
      output.line("");
      output.line(
        `${summary(options.size, answer)} Prices of ${priceRegion}, ${pricesAsOf}, without free tiers and discounts.`,
      );
    });
}

/** What it comes to; or that there is no such cell, and what it would take. */
export function summary(size: SizeName, answer: CostEstimate): string {
  const { brokerCount, carriedBytesPerSecond, isBeyondSize, perMonth } = answer;
  const brokers = counted(brokerCount, "broker");
  if (!isBeyondSize) return `About ${dollars(perMonth)} a month with ${brokers}.`;
  const most = sizes[size].maxBrokersPerZone;
  return `Beyond ${size}, which carries ${megabytes(carriedBytesPerSecond)} at most (brokersPerZone.max is ${most}). ${brokers} like its own would be about ${dollars(perMonth)} a month; a larger size, where there is one, is the better way.`;
}

function questionOf({
  size: name,
  zones,
  replicas,
  acrossZones,
  ...options
}: Options): CostQuestion {
  const size = sizes[name];
  const zoneCount = zones ?? size.zoneCount;
  return {
    size,
    zoneCount,
    inBytesPerSecond: options.in,
    retentionMs: options.retention,
    consumerCount: options.consumers,
    partitionCount: options.partitions,
    replicationFactor: replicas ?? Math.min(3, zoneCount),
    producersStayInZone: !acrossZones,
    consumersStayInZone: !acrossZones,
  };
}

/** As a person reads it: dearest first. */
export function costTable({ lines }: CostEstimate): { header: string[]; rows: string[][] } {
  const sorted = [...lines].sort((a, b) => b.perMonth - a.perMonth);
  return { header: ["what", "quantity", "price", "per month"], rows: sorted.map(rowOf) };
}

function rowOf({ what, quantity, unit, price, perMonth }: CostLine): string[] {
  return [what, `${figure(quantity)} ${unit}`, `$${price}`, dollars(perMonth)];
}

function shapeOf({ lines, perMonth, ...answer }: CostEstimate): object {
  return {
    broker_count: answer.brokerCount,
    carried_bytes_per_second: Math.floor(answer.carriedBytesPerSecond),
    is_beyond_size: answer.isBeyondSize,
    per_month: cents(perMonth),
    lines: lines.map((each) => ({
      what: each.what,
      quantity: each.quantity,
      unit: each.unit,
      price: each.price,
      per_month: cents(each.perMonth),
    })),
  };
}

/** Bytes a second of `10MBps`, `500kB/s`. */
export function rate(text: string): number {
  const [, size] = /^(.+?)(?:ps|\/s)$/i.exec(text.trim()) ?? [];
  if (size !== undefined) {
    try {
      return parseSize(size);
    } catch {
      // Said below, for a rate.
    }
  }
  throw new InvalidArgumentError("Write a size and ps or /s, as in 10MBps.");
}

const cents = (value: number): number => Math.round(value * 100) / 100;

export function megabytes(bytesPerSecond: number): string {
  return `${figure(bytesPerSecond / 1_000_000)} MB/s`;
}

export function dollars(value: number): string {
  const text = value < 100 ? value.toFixed(2) : Math.round(value).toLocaleString("en-US");
  return `$${text}`;
}

/** Three digits, or all before the point. */
function figure(value: number): string {
  return value.toLocaleString(
    "en-US",
    value < 1_000 ? { maximumSignificantDigits: 3 } : { maximumFractionDigits: 0 },
  );
}
