import type { FleetView } from "./fleet-view.ts";
import type { FleetLimits } from "./planner.ts";

/**
 * How many brokers the zones lack of those that each should have at least; one too many elsewhere makes up for none. A broker counts while ECS has its task:
 * the metadata log alone goes on naming brokers that all ended at once, for none is left to fence them. A cell that sleeps lacks nothing; one that falls
 * asleep does, for its brokers have to seal what they hold.
 */
export function missingBrokers(
  { zones, sleep }: Pick<FleetView, "zones" | "sleep">,
  { minPerZone }: Pick<FleetLimits, "minPerZone">,
): number {
  if (sleep === "asleep") return 0;
  const lacks = zones.map(({ open, leaving }) => minPerZone - open.length - leaving.length);
  return lacks.reduce((sum, lack) => sum + Math.max(0, lack), 0);
}

/** As CloudWatch takes it out of the function's log: a metric of the cell beside those that brokers write (broker/container/emf.ts). */
export function missingBrokersLine({
  cell,
  atMs,
  missingCount,
}: {
  readonly cell: string;
  readonly atMs: number;
  readonly missingCount: number;
}): Record<string, unknown> {
  const Metrics = [{ Name: "MissingBrokers", Unit: "Count" }];
  return {
    _aws: {
      Timestamp: Math.round(atMs),
      CloudWatchMetrics: [{ Namespace: "Myelin", Dimensions: [["Cell"]], Metrics }],
    },
    Cell: cell,
    MissingBrokers: missingCount,
  };
}
