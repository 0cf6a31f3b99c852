import type { Broker, Image } from "../../metadata/image/image.ts";
import type { Demand } from "./demand.ts";
import type { ZoneService } from "./fleet.ts";
import type { Needs } from "./needs.ts";

/** A broker and the task it runs in. */
export type FleetBroker = {
  readonly brokerId: number;
  readonly replicaCount: number;
  readonly taskArn: string;
};

/** What there is in one zone, of ECS and of the cell together. */
export type ZoneView = {
  readonly zone: string;
  readonly serviceName: string;
  readonly desiredCount: number;
  readonly taskArns: readonly string[];
  /** Brokers that take replicas in. */
  readonly open: readonly FleetBroker[];
  /** Brokers that are being emptied, whoever began it. */
  readonly leaving: readonly FleetBroker[];
  /** Every task that ECS wants runs, and nothing is being deployed. */
  readonly isSettled: boolean;
};

export type FleetView = {
  readonly zones: readonly ZoneView[];
  readonly demand: Demand;
  readonly needs: Needs;
  readonly sleep: Image["sleep"]["state"];
};

/** Puts brokers and tasks together by their address, which a broker that has ended may have left to another before the cell notices. */
export function fleetView(
  image: Image,
  services: readonly ZoneService[],
  { demand, needs }: { demand: Demand; needs: Needs },
): FleetView {
  const byHost = new Map<string, Broker>();
  for (const broker of image.brokers.values()) {
    const known = byHost.get(broker.host);
    // Epochs grow over the whole cell: who registered last is there.
    const isLast = known === undefined || known.epoch < broker.epoch;
    if (broker.state !== "fenced" && isLast) byHost.set(broker.host, broker);
  }
  const zones = services.map((service) => zoneView(image, service, byHost));
  return { zones, demand, needs, sleep: image.sleep.state };
}

function zoneView(
  image: Image,
  { zone, serviceName, desiredCount, tasks, isDeploying }: ZoneService,
  byHost: ReadonlyMap<string, Broker>,
): ZoneView {
  const open: FleetBroker[] = [];
  const leaving: FleetBroker[] = [];
  for (const { taskArn, host } of tasks) {
    const broker = byHost.get(host ?? "");
    if (broker === undefined) continue;
    const { brokerId, state, evacuation } = broker;
    const replicaCount = image.brokerLoads.get(brokerId)?.replicaCount ?? 0;
    const found = { brokerId, replicaCount, taskArn };
    if (evacuation !== null) leaving.push(found);
    else if (state === "active") open.push(found);
  }
  const isSettled =
    !isDeploying && tasks.length === desiredCount && tasks.every(({ isRunning }) => isRunning);
  const taskArns = tasks.map(({ taskArn }) => taskArn);
  return { zone, serviceName, desiredCount, taskArns, open, leaving, isSettled };
}
