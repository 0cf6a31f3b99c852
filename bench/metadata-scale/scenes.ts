import type { ScaleBroker } from "./broker.ts";
import { controllerOf, runningBrokers } from "./cell.ts";
import type { ScaleCell } from "./cell.ts";
import { comeback, drained, failover, leadersBack, powerCut, replacement } from "./episode.ts";
import type { Episode } from "./episode.ts";

type Watch = (episode: Episode) => void;

/** One broker after the other goes and comes back. */
export async function singleLosses(cell: ScaleCell, watch: Watch): Promise<void> {
  const [process, host, stopped] = others(cell);
  if (process === undefined || host === undefined || stopped === undefined) {
    throw new Error("too few brokers");
  }
  watch(await failover(cell, "a process is killed", { brokers: [process], isHost: false }));
  watch(await comeback(cell, "it is back, and in sync", [process]));
  watch(await leadersBack(cell, "it leads again"));
  watch(await failover(cell, "a host is lost", { brokers: [host], isHost: true }));
  await whole(cell, [host]);
  watch(await drained(cell, "a process is stopped (SIGTERM)", stopped));
  await whole(cell, [stopped]);
  for (const isHost of [false, true]) {
    const controller = controllerIn(cell);
    const title = `the controller's ${isHost ? "host is lost" : "process is killed"}`;
    watch(await failover(cell, title, { brokers: [controller], isHost }));
    await whole(cell, [controller]);
  }
}

/** A third of the cell at once, without the controller, and back. */
export async function zoneLoss(cell: ScaleCell, watch: Watch): Promise<void> {
  const controllerZone = controllerIn(cell).zone;
  const zone = others(cell).findLast((broker) => broker.zone !== controllerZone)?.zone;
  const brokers = cell.brokers.filter((broker) => broker.zone === zone);
  watch(await failover(cell, `a zone is lost, ${brokers.length} hosts`, { brokers, isHost: true }));
  watch(await comeback(cell, "all of it is back, and in sync", brokers));
  watch(await leadersBack(cell, "it leads again"));
}

/** The controller's third, for good: its replicas are made anew. */
export async function zoneReplaced(cell: ScaleCell, watch: Watch): Promise<void> {
  const { zone } = controllerIn(cell);
  const brokers = cell.brokers.filter((broker) => broker.zone === zone);
  const title = `the controller's zone is lost, ${brokers.length} hosts`;
  watch(await failover(cell, title, { brokers, isHost: true }));
  watch(await replacement(cell, "its replicas are made anew elsewhere", brokers));
  await whole(cell, brokers);
}

export async function everythingLoss(cell: ScaleCell, watch: Watch): Promise<void> {
  watch(await powerCut(cell, "all hosts lose power, and start again"));
}

async function whole(cell: ScaleCell, brokers: readonly ScaleBroker[]): Promise<void> {
  await comeback(cell, "", brokers);
  await leadersBack(cell, "");
}

function controllerIn(cell: ScaleCell): ScaleBroker {
  const controller = controllerOf(cell);
  if (controller === undefined) throw new Error("the cell has no controller");
  return controller;
}

function others(cell: ScaleCell): ScaleBroker[] {
  const controller = controllerIn(cell);
  return runningBrokers(cell).filter((broker) => broker !== controller);
}
