import { restoreCell } from "../../../metadata/log/restore.ts";
import type { BrokerConfig } from "../../../broker/config.ts";
import { cellName } from "../cell/broker-node.ts";
import { SimCell } from "../cell/sim-cell.ts";
import { checkHistory } from "../history/check-history.ts";
import { invariants } from "../invariants/invariants.ts";
import { InvariantWatch } from "../invariants/watch-invariants.ts";
import { createProcessClock } from "../machine/process-clock.ts";
import { SimProcess } from "../machine/sim-process.ts";
import { createWorld } from "../world/world.ts";
import { orders } from "./play.ts";
import { Stage } from "./stage.ts";

export type RestoredPlan = {
  readonly config: Partial<BrokerConfig>;
  /** What comes before the restore: its clients have ended when it is over, its brokers need not have. */
  readonly before: (former: Stage) => Promise<void>;
  readonly after: (restored: Stage, former: Stage) => Promise<void>;
};

/**
 * A cell, and another one that is restored from what its object store has, in another metadata log: in the same world, on the same object store, so that whoever
 * is left of the former one still writes there. What clients of the former one were promised is held against the restored one.
 */
export async function playRestored({ config, before, after }: RestoredPlan): Promise<void> {
  const world = createWorld({ seed: 1, faults: {} });
  const formerCell = new SimCell({ world, brokerCount: 3, config });
  const formerWatch = new InvariantWatch(formerCell, invariants);
  const former = new Stage(formerCell, [orders()]);
  await former.open();
  await former.trimMetadataLog();
  await before(former);
  // What is put from here on is the restored cell's to judge.
  formerWatch.stop();
  const { network, objects } = formerCell;
  const cell = new SimCell({ world, brokerCount: 3, config, beside: { network, objects } });
  const watch = new InvariantWatch(cell, invariants);
  const restored = new Stage(cell, []);
  await restored.finished("the restore", restore(cell));
  restored.promises.everyDiskLost();
  restored.history.sent.push(...former.history.sent);
  restored.history.seen.push(...former.history.seen);
  await restored.open();
  await after(restored, former);
  await restored.close();
  watch.checkAll();
  const [first] = checkHistory(restored.history, {
    isPromised: (batch) => restored.promises.isPromised(batch),
    mayLeaderLag: true,
  });
  if (first !== undefined) world.fail(`${first.kind}: ${first.message}`);
  if (world.violation !== null) throw world.violation;
}

async function restore(cell: SimCell): Promise<void> {
  const process = new SimProcess(cell.world, cell.addHost("restorer", "region"), "restorer");
  const store = { objects: cell.objects.attach(process), cell: cellName };
  const outcome = await restoreCell({
    from: store,
    to: { ...store, log: cell.metadata.open(process) },
    clock: createProcessClock(cell.world, process),
    random: cell.world.stream("random restorer"),
  });
  if (outcome.kind !== "restored") throw new Error(`the restore: ${outcome.kind}`);
  process.kill();
}
