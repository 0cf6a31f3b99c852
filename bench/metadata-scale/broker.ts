import { createDynamoMetadataLog } from "../../adapters/dynamodb/metadata-log.ts";
import { createSeededRandom } from "../../adapters/memory/random.ts";
import type { CellEffect, CellEvent, SubmitOutcome } from "../../broker/cell/cell-events.ts";
import type { CellState } from "../../broker/cell/cell-state.ts";
import { createCell, stepCell } from "../../broker/cell/cell.machine.ts";
import { createMetadataFeed } from "../../broker/cell/metadata-feed.ts";
import type { MetadataFeed } from "../../broker/cell/metadata-feed.ts";
import { registerBroker } from "../../metadata/commands/register-broker.ts";
import type { RegisterBrokerRequest } from "../../metadata/commands/register-broker.ts";
import type { ScaleCell } from "./cell.ts";
import { createDesk } from "./desk.ts";
import type { Desk } from "./desk.ts";
import { kill } from "./kill.ts";
import { createLeader } from "./leader.ts";
import type { Leader } from "./leader.ts";
import { liveImage } from "./live-image.ts";
import { carryOut, reportOf } from "./messages.ts";
import { createNews } from "./news.ts";
import type { News } from "./news.ts";
import { openSharedReplica } from "./replica.ts";
import type { SharedReplica } from "./replica.ts";
import { onlyUnavailable } from "./unavailable.ts";

/** A broker's host, and the process on it while one runs. */
export type ScaleBroker = {
  readonly name: string;
  readonly zone: string;
  brokerId: number;
  life: number;
  running: BrokerProcess | null;
  /** A dead process is refused by its host, a dead host is silent. */
  isHostUp: boolean;
};

/** The parts of a broker that this is about: the cell's machine, a replica of the metadata, what a leader asks for, and what a controller does besides. */
export type BrokerProcess = {
  readonly replica: SharedReplica;
  readonly state: CellState;
  readonly leader: Leader;
  readonly desk: Desk;
  /** What it tells of the log as controller, and how it hears of it. */
  readonly feed: MetadataFeed;
  readonly news: News;
  reportCount: number;
  /** Brokers it has a heartbeat connection to. */
  readonly connections: Set<number>;
  step(event: CellEvent): void;
  stop(): void;
};

export function createScaleBroker(name: string, zone: string): ScaleBroker {
  return { name, zone, brokerId: -1, life: 0, running: null, isHostUp: true };
}

/** Registers, as a first life or after a crash, and runs. */
export async function startBroker(
  cell: ScaleCell,
  broker: ScaleBroker,
  previousEnd: RegisterBrokerRequest["previousEnd"] = "new",
): Promise<BrokerProcess> {
  broker.life += 1;
  broker.isHostUp = true;
  const request = registration(broker, previousEnd);
  const replica = openReplica(cell, broker);
  const registered = await replica.submit("register", (image, context) =>
    registerBroker(image, request, context),
  );
  if (registered.kind === "rejected") throw new Error(registered.message);
  const { brokerId, brokerEpoch } = registered.result;
  broker.brokerId = brokerId;
  const { config, clock } = cell;
  const random = () => cell.random.float();
  const nowMs = clock.monotonicMs();
  const state = createCell({ brokerId, brokerEpoch, config, hasTier: false, random, nowMs });
  const running = createProcess(cell, broker, { replica, state });
  broker.running = running;
  startTicks(cell, broker, running);
  return running;
}

function openReplica(cell: ScaleCell, broker: ScaleBroker): SharedReplica {
  const { clock, images, meter, notes, spend } = cell;
  const random = createSeededRandom(cell.nextSeed());
  const log = createDynamoMetadataLog({
    client: cell.dynamo.client(),
    clock,
    random,
    tableName: "metadata",
    cell: "c",
  });
  const replica: SharedReplica = openSharedReplica({
    log,
    clock,
    random,
    images,
    meter,
    notes,
    spend,
    onApplied(changes) {
      // A start replays before it has a machine.
      const { running } = broker;
      if (running?.replica !== replica) return;
      running.step({ type: "applied", changes });
      running.feed.applied();
      running.news.applied(changes);
      running.leader.applied();
    },
  });
  return replica;
}

function createProcess(
  cell: ScaleCell,
  broker: ScaleBroker,
  { replica, state }: { replica: SharedReplica; state: CellState },
): BrokerProcess {
  const { clock, meter } = cell;
  let isStopped = false;
  return {
    replica,
    state,
    leader: createLeader(cell, broker, replica),
    desk: createDesk(cell, broker, replica),
    feed: createMetadataFeed({
      selfId: broker.brokerId,
      image: liveImage(replica),
      clock,
      readLog: async () => void (await replica.readToHead().catch(onlyUnavailable)),
    }),
    news: createNews(cell, broker, replica),
    reportCount: 0,
    connections: new Set(),
    step(event) {
      if (isStopped) return;
      const now = { image: replica.image, nowMs: clock.monotonicMs() };
      const role = state.office === null ? "broker" : "controller";
      const effects = meter.measure(`${role}: ${event.type}`, () => stepCell(state, event, now));
      for (const effect of effects) perform(cell, broker, effect);
    },
    stop() {
      isStopped = true;
      this.feed.close();
      this.news.stop();
      replica.close();
    },
  };
}

/** The machine's own pulse, and the desk's. Those of a hundred brokers that start together do not beat together. */
function startTicks(cell: ScaleCell, broker: ScaleBroker, running: BrokerProcess): void {
  const { clock, config, random } = cell;
  const every = (ms: number, run: () => void): void => {
    const again = (): void => {
      if (broker.running !== running) return;
      run();
      clock.after(ms, again);
    };
    clock.after(ms * random.float(), again);
  };
  every(config.tickMs, () => {
    running.step({ type: "tick", logReadMs: running.replica.lastReadMs });
    if (running.state.office === null) return;
    running.step({ type: "ownReport", report: reportOf(cell, broker, ++running.reportCount) });
  });
  every(housekeepingMs, () => running.desk.keepHouse());
  void running.news.run();
}

/** broker/housekeeping.ts */
const housekeepingMs = 10_000;

function perform(cell: ScaleCell, broker: ScaleBroker, effect: CellEffect): void {
  switch (effect.type) {
    case "submit":
      return submit(broker, effect);
    case "readLog":
      return void broker.running?.replica.readToHead().catch(onlyUnavailable);
    case "serve":
    // It never sleeps, and keeps no records in an object store.
    case "sleep":
    case "readTier":
      return;
    case "alarm":
      return void cell.alarms.push(effect.message);
    case "stop":
      if (effect.reason !== "drained")
        throw new Error(`broker ${broker.brokerId} was ${effect.reason}`);
      return kill(cell, broker);
    default:
      return carryOut(cell, broker, effect);
  }
}

function submit(
  { running }: ScaleBroker,
  { id, name, command, isController }: Extract<CellEffect, { type: "submit" }>,
): void {
  if (running === null) return;
  const tell = (outcome: SubmitOutcome) => running.step({ type: "submitted", id, outcome });
  running.replica.submit(name, command, { isController }).then(
    (submitted) =>
      tell(
        submitted.kind === "rejected"
          ? { kind: "rejected", error: submitted.error }
          : { kind: "accepted", result: submitted.result },
      ),
    (error: unknown) => {
      onlyUnavailable(error);
      tell({ kind: "unavailable" });
    },
  );
}

function registration(
  { name, zone, brokerId, life }: ScaleBroker,
  previousEnd: RegisterBrokerRequest["previousEnd"],
): RegisterBrokerRequest {
  return {
    brokerId: brokerId === -1 ? null : brokerId,
    directoryId: `directory-${name}`,
    incarnation: `${name}-${life}`,
    storedIncarnations: [`${name}-${life - 1}`],
    ephemeral: false,
    zone,
    host: `host-${name}`,
    slot: 1,
    port: 9092,
    minLevel: 1,
    maxLevel: 2,
    previousEnd,
  };
}
