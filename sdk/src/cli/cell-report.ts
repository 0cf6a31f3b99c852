import type {
  BrokerDescription,
  CellStatus,
  OperationDescription,
  UnhealthyPartition,
} from "../control/cell.ts";

/** Is the cell well, and if not, what is it doing about it: lines for a person, and the rows of its brokers. */
export type CellReport = {
  readonly summary: readonly string[];
  readonly brokers: { readonly header: readonly string[]; readonly rows: readonly string[][] };
  readonly work: readonly string[];
};

export function cellReport(
  cell: CellStatus,
  operations: readonly OperationDescription[],
): CellReport {
  return {
    // Of what sleeps nothing is amiss.
    summary: [headline(cell), ...(cell.state === "asleep" ? [] : unhealthyLines(cell))],
    brokers: {
      header: ["broker", "state", "zone", "address", "leaders", "replicas", "out of sync"],
      rows: cell.brokers.map(brokerRow),
    },
    work: workLines(cell, operations),
  };
}

function headline(cell: CellStatus): string {
  if (cell.state === "asleep") return asleepLine(cell);
  if (cell.state === "falling_asleep") return "Falling asleep: no records are taken.";
  if (cell.brokers.length === 0) return "Not well: no broker has started yet.";
  if (cell.state !== "ready") return "Not well: no broker is in service.";
  const { offline, underMinIsr, underReplicated } = cell;
  const troubles = [
    offline === 0 ? null : `${offline} offline`,
    underMinIsr === 0 ? null : `${underMinIsr} under min.insync.replicas`,
    underReplicated === 0 ? null : `${underReplicated} under-replicated`,
  ].filter((each) => each !== null);
  const all = counted(cell.partitions, "partition");
  if (troubles.length > 0) return `Not well: of ${all}, ${troubles.join(", ")}.`;
  const where = `${counted(cell.topics, "topic")}, ${counted(cell.clusters, "cluster")}`;
  return `Well: ${all} (${where}), each with a leader and all of its replicas.`;
}

function asleepLine({ partitions, topics }: Pick<CellStatus, "partitions" | "topics">) {
  return `Asleep: ${counted(partitions, "partition")} (${counted(topics, "topic")}) in the object store. A broker that starts wakes it.`;
}

const problemWords: Record<UnhealthyPartition["problem"], string> = {
  offline: "offline",
  under_min_isr: "under min ISR",
  under_replicated: "under-replicated",
};

/** All of it is one screen. */
const shownPartitions = 5;

function unhealthyLines({
  unhealthy,
  offline,
  underReplicated,
  underMinIsr,
}: CellStatus): string[] {
  const shown = unhealthy.slice(0, shownPartitions);
  const names = shown.map(({ cluster, topic, partition }) => `${cluster}/${topic} ${partition}`);
  const width = Math.max(0, ...names.map(({ length }) => length));
  const lines = shown.map((each, index) => {
    const name = (names[index] ?? "").padEnd(width);
    return `  ${problemWords[each.problem].padEnd(16)}  ${name}  ${whatIsMissing(each)}`;
  });
  // Whatever is under its minimum or offline lacks replicas too, but for those that wait for their first broker.
  const count = Math.max(underReplicated, underMinIsr, offline);
  if (count > lines.length && lines.length > 0) lines.push(`  and ${count - lines.length} more`);
  return lines;
}

function whatIsMissing({ problem, replicas, inSync, waitsFor }: UnhealthyPartition): string {
  if (replicas.length === 0) return "waits for a broker to hold it";
  if (problem !== "offline") return `in sync ${inSync.join(",")} of ${replicas.join(",")}`;
  if (waitsFor.length === 0) return `replicas on ${replicas.join(",")}, of which none may lead`;
  return `waits for ${brokersText(waitsFor)}`;
}

function brokersText(ids: readonly number[]): string {
  return ids.length === 1 ? `broker ${ids[0]}` : `one of brokers ${ids.join(", ")}`;
}

function brokerRow(broker: BrokerDescription): string[] {
  const { id, isController, zone, host, port, leaders, replicas, outOfSync } = broker;
  return [
    isController ? `${id} controller` : String(id),
    stateText(broker),
    zone,
    `${host.includes(":") ? `[${host}]` : host}:${port}`,
    String(leaders),
    String(replicas),
    String(outOfSync),
  ];
}

function stateText({ state, isLost, drain }: BrokerDescription): string {
  if (isLost) return "lost";
  return state === "active" && drain !== null ? "draining" : state;
}

function workLines(cell: CellStatus, operations: readonly OperationDescription[]): string[] {
  if (cell.state === "asleep") return [];
  const lines = cell.brokers.flatMap((broker) => absenceLines(cell, broker));
  if (cell.brokers.length > 0 && cell.controller === null) {
    lines.push(
      "There is no controller: the brokers choose one within seconds, if one is in service.",
    );
  }
  const stopped = new Set(
    cell.brokers.filter(({ state }) => state === "fenced").map(({ id }) => id),
  );
  for (const each of operations) {
    if (each.kind === "sleep") lines.push(sleepLine(each));
    if (each.kind !== "drain") continue;
    const isGone = each.state === "done" && stopped.has(each.broker ?? -1);
    lines.push(isGone ? goneLine(each) : drainLine(each));
  }
  const moves = operations.filter(({ kind }) => kind === "move");
  if (moves.length > 0) lines.push(movesLine(moves));
  const held = moves.filter(({ state }) => state === "blocked");
  if (held.length > 0) lines.push(heldLine(held));
  return lines;
}

function absenceLines(
  cell: CellStatus,
  { id, state, isLost, replicas }: BrokerDescription,
): string[] {
  if (state === "draining") return [`Broker ${id} is stopping: it hands over what it leads.`];
  if (state !== "fenced" || replicas === 0) return [];
  const copies = `new copies of its ${counted(replicas, "replica")} are made on others`;
  const isAwaited = cell.unhealthy.some(({ waitsFor }) => waitsFor.includes(id));
  if (isLost) return [`Broker ${id} is lost: ${copies}, where there are any.`];
  const anew = `Broker ${id} is out of service: if it stays away for a minute, ${copies}, where that is possible.`;
  if (!isAwaited) return [anew];
  return [
    `${anew} Partitions wait for it; if its disk is gone for good: myelin cell declare-lost ${id}`,
  ];
}

export function drainLine({ broker, state, progress, error }: OperationDescription): string {
  const done = `${progress.done} of ${counted(progress.total, "partition")} have left`;
  if (state === "done") return `Broker ${broker} is empty and may be stopped.`;
  const going = `Broker ${broker} is being drained: ${done}`;
  return error === null ? `${going}.` : `${going}; ${error}.`;
}

export function sleepLine({ progress, error }: OperationDescription): string {
  const going = `On its way to sleep: ${progress.done} of ${counted(progress.total, "partition")} are sealed`;
  return error === null ? `${going}.` : `${going}; ${error}.`;
}

function goneLine({ broker }: OperationDescription): string {
  return `Broker ${broker} is empty and out of service; to forget it: myelin cell unregister ${broker}`;
}

export function movesLine(moves: readonly OperationDescription[]): string {
  const done = moves.reduce((sum, { progress }) => sum + progress.done, 0);
  const total = moves.reduce((sum, { progress }) => sum + progress.total, 0);
  return `Replicas of ${counted(moves.length, "partition")} are being moved: ${done} of ${total} are in sync.`;
}

/** What is in the way of one is mostly in the way of all. */
function heldLine(held: readonly OperationDescription[]): string {
  const [first] = held;
  const name = `${first?.partition?.topic} ${first?.partition?.partition}`;
  const others = held.length > 1 ? `, and ${held.length - 1} more` : "";
  return `  held up: ${name} (${first?.error})${others}`;
}

export function counted(count: number, noun: string): string {
  return `${count.toLocaleString("en-US")} ${noun}${count === 1 ? "" : "s"}`;
}
