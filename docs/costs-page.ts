import type { CostEstimate, CostQuestion } from "../sdk/src/cost/estimate.ts";
import { hoursPerMonth } from "../sdk/src/cost/cost-line.ts";
import { estimate } from "../sdk/src/cost/estimate.ts";
import { costTable, dollars, megabytes } from "../sdk/src/cli/cost.ts";
import { prices, priceRegion, pricesAsOf } from "../sdk/src/cost/prices.ts";
import type { SizeName } from "../sdk/src/cost/sizes.ts";
import { sizes } from "../sdk/src/cost/sizes.ts";
import { writing } from "../sdk/src/cost/storage-lines.ts";

const MB = 1_000_000;
const names = Object.keys(sizes) as SizeName[];

/** docs/operating/costs.md: what the estimate says of each profile. */
export function costsPage(): string {
  return `# What a cell costs

Generated from \`sdk/src/cost/\` by \`npm run docs\`. Prices of ${priceRegion} in US dollars, ${pricesAsOf}; other regions are up to a third dearer; free tiers and discounts are left out; a month has ${hoursPerMonth} hours. For other numbers:

\`\`\`
npx --no myelin cost --in 10MBps --retention 7d --consumers 2 --zones 3
\`\`\`

## The profiles

| | ${names.map((name) => `\`${name}\``).join(" | ")} |
| --- | ${names.map(() => "---").join(" | ")} |
${profileRows().join("\n")}

One reading of everything, seven days kept, 60 partitions, clients that know their zone. MB/s are what producers send, as sent: what they compress (zstd: about 5 to 1 for JSON) costs nothing. What brokers carry is reckoned, not measured on Fargate. A profile carries what \`brokersPerZone.max\` brokers in each zone do; what is beyond it takes a larger one, or a higher limit ([scale](scale.md)).

## Where it goes: \`standard\`, 10 MB/s

${markdown(estimate(question("standard", 10 * MB)))}

- **Replication between zones** is the bill: each record crosses to two zones, $${prices.acrossZonesGb} a GB each. It is what surviving a zone costs on AWS; \`--zones 1\` shows a cell without it.
- **Clients that do not know their zone** cross a border two times of three (\`--across-zones\`): ${dollars(acrossZones())} more here. \`client.rack\` ends it for consumers.
- **Records in S3** are reckoned as one copy for as long as they are kept. Brokers' disks hold what is newer than an hour or does not fill a segment, and of the rest as much as fits in half of the disk.
- **Deleted records, as old versions**: the bucket keeps what is deleted for ${sizes.standard.oldVersionDays} days (\`dev\`: ${sizes.dev.oldVersionDays}), in case it was a mistake. What retention deletes is paid for that much longer too, and for half a day until S3 looks. \`Profile.standard({ noncurrentVersions: Duration.days(1) })\` is ${dollars(keptADay())} less here. What compaction replaces is kept as well, and not reckoned.
- **Packs** are what the loss of every disk at once is recovered from: each broker puts what is in no segment yet into one, every ${writing.packEveryS} seconds, and deletes it when segments have it all, an hour later at most. It is the old versions that cost: they go after a day in every profile, the least that S3 takes.
- **A NAT gateway** is not needed; one in each of three zones would be $99 and $0.045 a GB more.
- An idle cell asks DynamoDB, reports its load and runs its tasks for a dollar or two; brokers, their addresses and the load balancer are most of the rest, and looking at it (metrics, alarms, dashboard) ten dollars.
`;
}

function question(name: SizeName, inBytesPerSecond: number): CostQuestion {
  const size = sizes[name];
  return {
    size,
    inBytesPerSecond,
    retentionMs: 7 * 86_400_000,
    consumerCount: 1,
    zoneCount: size.zoneCount,
    partitionCount: 60,
    replicationFactor: Math.min(3, size.zoneCount),
    producersStayInZone: true,
    consumersStayInZone: true,
  };
}

function acrossZones(): number {
  const asked = question("standard", 10 * MB);
  const unaware = { ...asked, producersStayInZone: false, consumersStayInZone: false };
  return estimate(unaware).perMonth - estimate(asked).perMonth;
}

function keptADay(): number {
  const asked = question("standard", 10 * MB);
  const size = { ...asked.size, oldVersionDays: 1 };
  return estimate(asked).perMonth - estimate({ ...asked, size }).perMonth;
}

function profileRows(): string[] {
  const row = (what: string, of: (name: SizeName) => string): string =>
    `| ${what} | ${names.map(of).join(" | ")} |`;
  const monthly = (bytes: number) => (name: SizeName) => {
    const { brokerCount, isBeyondSize, perMonth } = estimate(question(name, bytes));
    const { zoneCount, brokersPerZone } = sizes[name];
    const grown = brokerCount > zoneCount * brokersPerZone ? ` (${brokerCount} brokers)` : "";
    return isBeyondSize ? "beyond it" : `${dollars(perMonth)}${grown}`;
  };
  return [
    row("zones", (name) => `${sizes[name].zoneCount}`),
    row("brokers in each", (name) => {
      const { brokersPerZone: min, maxBrokersPerZone: max } = sizes[name];
      return min === max ? `${min}` : `${min} to ${max}`;
    }),
    row("of", (name) => {
      const { vcpus, memoryGb, diskGb } = sizes[name];
      return `${vcpus} vCPU, ${memoryGb} GB, ${diskGb} GB of disk`;
    }),
    row("carries at most", (name) => megabytes(estimate(question(name, 0)).carriedBytesPerSecond)),
    row("a month, idle", monthly(0)),
    row("1 MB/s", monthly(MB)),
    row("10 MB/s", monthly(10 * MB)),
    row("100 MB/s", monthly(100 * MB)),
  ];
}

function markdown(answer: CostEstimate): string {
  const { header, rows } = costTable(answer);
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  const total = ["**together**", "", "", `**${dollars(answer.perMonth)}**`];
  return [header, header.map(() => "---"), ...rows, total].map(line).join("\n");
}
