import { writeSync } from "node:fs";
import { defaultCellConfig } from "../../../broker/cell/cell-config.ts";
import type { BrokerConfig } from "../../../broker/config.ts";
import { SimCell } from "../cell/sim-cell.ts";
import { checkHistory } from "../history/check-history.ts";
import { invariants } from "../invariants/invariants.ts";
import { InvariantWatch } from "../invariants/watch-invariants.ts";
import type { TopicPlan } from "../scenario/workload.ts";
import type { FaultRates } from "../world/fault-table.ts";
import { createWorld } from "../world/world.ts";
import { Stage } from "./stage.ts";

export type StagePlan = {
  readonly seed?: number;
  readonly brokerCount?: number;
  readonly zones?: readonly string[];
  readonly config?: Partial<BrokerConfig>;
  /** Made before the script begins; one partition of `orders` on three brokers unless told otherwise. */
  readonly topics?: readonly TopicPlan[];
  /** Only what befalls disks and clocks when the script has it so: what a host crash leaves, how clocks differ. */
  readonly faults?: FaultRates;
};

/** A leader that was replaced stops answering within a session of hearing of nobody, by its own clock. */
const staleLimitMs = defaultCellConfig.sessionMs + 3_000;

/** One partition that three brokers hold, two of which must. */
export function orders(plan: Partial<TopicPlan> = {}): TopicPlan {
  return {
    name: "orders",
    partitionCount: 1,
    replicationFactor: 3,
    configs: { "min.insync.replicas": "2", durability: "replicated" },
    ...plan,
  };
}

/**
 * A whole cell to which nothing happens but what the script does. The invariants are asserted after every event; when the script is over everything it left
 * broken is mended, and the cell has to serve again and to hold what clients were promised. `SIM_TRACE=1` says what happens.
 */
export async function play(
  plan: StagePlan,
  script: (stage: Stage) => Promise<void>,
): Promise<Stage> {
  const { seed = 1, brokerCount = 3, topics = [orders()], faults = {}, zones, config = {} } = plan;
  const trace = process.env["SIM_TRACE"] === undefined ? undefined : print;
  const world = createWorld({ seed, faults, ...(trace === undefined ? {} : { trace }) });
  const cell = new SimCell({ world, brokerCount, config, ...(zones ? { zones } : {}) });
  const watch = new InvariantWatch(cell, invariants);
  const stage = new Stage(cell, topics);
  await stage.open();
  await script(stage);
  await stage.close();
  watch.checkAll();
  const anomalies = checkHistory(stage.history, {
    isPromised: (batch) => stage.promises.isPromised(batch),
    isGroupPromised: (group) => stage.promises.isGroupPromised(group),
    mayLeaderLag: brokerCount > 1,
    termEndMs: (partition, leaderEpoch) => stage.promises.termEndMs(partition, leaderEpoch),
    staleLimitMs,
  });
  const [first] = anomalies;
  if (first !== undefined) world.fail(`${first.kind}: ${first.message}`);
  if (world.violation !== null) throw world.violation;
  return stage;
}

/** Not with the test runner's console, which sets timers of its own. */
function print(line: string): void {
  writeSync(2, `${line}\n`);
}
