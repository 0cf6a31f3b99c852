import type { CutNetwork } from "../cell/namespaces.ts";
import { loopback } from "../cell/places.ts";
import { type ProcessCell, startProcessCell } from "../cell/process-cell.ts";
import { createClusterClient } from "../cell/cluster-client.ts";
import { until, whenWell } from "../cell/wellness.ts";
import { type Audit, createAudit } from "./audit.ts";
import { createDice } from "./dice.ts";
import { Ledger } from "./ledger.ts";
import { type Load, startLoad } from "./load.ts";
import type { Plan } from "./plan.ts";
import { differencesBetweenReplicas } from "./replicas.ts";

export type CellRunOptions = {
  readonly plan: Plan;
  readonly data: string;
  readonly brokerCount: number;
  readonly port: number;
  readonly httpPort: number;
  /** Null: all on loopback, where no connection can be cut. */
  readonly network: CutNetwork | null;
  readonly seed: number;
  readonly rate: number;
  /** Further flags of `myelin broker`. */
  readonly flags?: readonly string[];
  /** A directory for what clients say on their standard error. */
  readonly clientLogs?: string;
  readonly say: (line: string) => void;
};

/** A cell of broker processes under the load of a plan, and everything that is known of what it has promised. */
export type CellRun = AsyncDisposable & {
  readonly cell: ProcessCell;
  readonly ledger: Ledger;
  readonly load: Load;
  /** What may not be, besides what the ledger finds. */
  readonly faults: ReadonlySet<string>;
  fault(what: string): void;
  /** What went wrong and was tried again, by who and what. */
  readonly troubles: ReadonlyMap<string, number>;
  /** The longest that a topic went without an acknowledgement, in seconds, since it had its first one. */
  readonly silences: ReadonlyMap<string, number>;
  /** Resolves when every topic that is written to has had acknowledgements since this call; rejects with those that have not when the time is over. */
  whenFlowing(limitSeconds: number): Promise<void>;
  /** Ends the load, lets groups come to their ends, reads every record from every replica, and stops all brokers in good order. */
  conclude(): Promise<void>;
};

const observeEveryMs = 2_000;
/** After the last deed of a run: moving replicas to a broker with a new disk begins after a minute. */
const wellLimitSeconds = 240;

export async function startCellRun(options: CellRunOptions): Promise<CellRun> {
  const { data, brokerCount, port, httpPort, network, flags = [], say } = options;
  const faults = new Set<string>();
  const fault = (what: string): void => {
    if (!faults.has(what)) say(`FAULT: ${what}`);
    faults.add(what);
  };
  const troubles = new Map<string, number>();
  const trouble = (what: string): void => void troubles.set(what, (troubles.get(what) ?? 0) + 1);
  const cell = await startProcessCell({
    data,
    brokerCount,
    port,
    httpPort,
    places: network ?? loopback,
    flags,
    onLog(slot, level, message) {
      trouble(`broker ${level}: ${message}`);
      if (level === "error") fault(`the log of broker ${slot} says: ${message}`);
    },
    onLost: (slot, code) => fault(`broker ${slot} ended by itself with ${code}`),
  });
  try {
    return await loaded(options, { cell, faults, fault, troubles, trouble });
  } catch (error) {
    await cell[Symbol.asyncDispose]();
    throw error;
  }
}

type Started = {
  readonly cell: ProcessCell;
  readonly faults: ReadonlySet<string>;
  readonly fault: (what: string) => void;
  readonly troubles: Map<string, number>;
  readonly trouble: (what: string) => void;
};

async function loaded(
  { plan, seed, rate, network, say, clientLogs }: CellRunOptions,
  { cell, faults, fault, troubles, trouble }: Started,
): Promise<CellRun> {
  const { topics } = await cell.myelin.clusters.get("dev");
  for (const { name, partitions, configs } of plan.topics)
    await topics.create({ name, partitions, configs: { ...configs } });
  await whenWell(cell, 60);
  const ledger = new Ledger();
  const acks = new Acknowledgements();
  const { bootstrap } = cell;
  const load = startLoad({
    plan,
    bootstrap,
    ledger,
    dice: createDice(seed),
    rate,
    ...(clientLogs === undefined ? {} : { clientLogs }),
    prefix: (network ?? loopback).clientPrefix,
    onAcknowledged: ({ topic }) => acks.note(topic),
    onGivenUp: (writer, reason) => fault(`the ${writer} gave up a record: ${reason}`),
    onTrouble: trouble,
  });
  for (const line of load.leftOut) say(`left out: ${line}`);
  const audit = createAudit({ ledger, plan, bootstrap, groups: load.groups });
  const timer = setInterval(() => void audit.observe(), observeEveryMs);
  const run: CellRun = {
    cell,
    ledger,
    load,
    faults,
    fault,
    troubles,
    silences: acks.longest,
    whenFlowing: (limitSeconds) => acks.whenAll(writtenTopics(plan, load), limitSeconds),
    async conclude() {
      await conclude(run, { plan, audit, say });
      clearInterval(timer);
    },
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      await audit.close();
      // Clients that still run end with this process; without a cell they do no harm.
      await cell[Symbol.asyncDispose]();
    },
  };
  return run;
}

/** When each topic was last acknowledged something. */
class Acknowledgements {
  readonly longest = new Map<string, number>();
  readonly #last = new Map<string, number>();

  note(topic: string): void {
    const now = performance.now();
    const seconds = (now - (this.#last.get(topic) ?? now)) / 1000;
    this.longest.set(topic, Math.max(this.longest.get(topic) ?? 0, seconds));
    this.#last.set(topic, now);
  }

  whenAll(topics: readonly string[], limitSeconds: number): Promise<void> {
    const from = performance.now();
    const silent = (): string[] => topics.filter((topic) => (this.#last.get(topic) ?? 0) < from);
    return until(() => silent().length === 0, {
      limitSeconds,
      what: () => `nothing has been acknowledged in ${silent().join(", ")}`,
    });
  }
}

function writtenTopics({ writers }: Plan, { clients }: Load): string[] {
  // Where no client of a plan is there, nothing is written at all.
  return clients.length === 0 ? [] : [...new Set(writers.flatMap(({ topics }) => topics))];
}

type Concluding = {
  readonly plan: Plan;
  readonly audit: Audit;
  readonly say: (line: string) => void;
};

async function conclude(run: CellRun, { plan, audit, say }: Concluding): Promise<void> {
  const { cell, load, ledger } = run;
  try {
    await whenWell(cell, wellLimitSeconds);
  } catch (error) {
    run.fault((error as Error).message);
  }
  await load.endWriters();
  const { sent, acknowledged } = ledger.totals;
  say(`writers are done: ${sent} records sent, ${acknowledged} acknowledged`);
  for (const lag of await audit.drain()) run.fault(lag);
  await load.endReaders();
  await audit.observe();
  for (const recovered of recoveriesIn(cell)) run.fault(recovered);
  await audit.readEverything();
  say("every record was read from its leader");
  for (const difference of await compared(cell, plan)) run.fault(difference);
  say("every replica was compared with its leader");
  await audit.close();
  // At once: one after the other, the second would wait for the first to come back, without which there are too few replicas in sync.
  const stopping = cell.slots.map(async (slot) => ({ slot, code: await cell.stop(slot) }));
  for (const { slot, code } of await Promise.all(stopping))
    if (code !== 0) run.fault(`broker ${slot} stopped with ${code}`);
}

async function compared(cell: ProcessCell, { topics }: Plan): Promise<string[]> {
  const { bootstrap, image, member } = cell;
  const client = createClusterClient({ bootstrap, clientId: "soak-checker", limitMs: 60_000 });
  // What is forgotten while it is read proves nothing about replicas.
  const kept = topics.filter(({ configs }) => configs["retention.bytes"] === undefined);
  try {
    const { clusterId } = member.cluster;
    const names = kept.map(({ name }) => name);
    return await differencesBetweenReplicas(client, { image, clusterId }, names);
  } finally {
    await client.close();
  }
}

/** Elections that may have lost records: nothing that is done to a cell here justifies one. */
function recoveriesIn({ image }: ProcessCell): string[] {
  return [...image.topics.values()].flatMap(({ name, partitions }) =>
    partitions
      .filter(({ recoveries }) => recoveries.length > 0)
      .map(({ index, recoveries }) => `${name}:${index} was recovered ${recoveries.length} times`),
  );
}
