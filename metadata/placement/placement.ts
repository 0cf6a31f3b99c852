/** What placement knows of a broker: its failure domains and what it carries. */
export type PlacementBroker = {
  readonly brokerId: number;
  readonly zone: string;
  readonly host: string;
  /** Active brokers come first; a fenced one takes a replica only when there are too few of them. */
  readonly isActive: boolean;
  readonly replicaCount: number;
  readonly leaderCount: number;
};

export type PlacementRequest = {
  readonly brokers: readonly PlacementBroker[];
  readonly partitionCount: number;
  /** At most the number of brokers. */
  readonly replicationFactor: number;
};

type Candidate = { broker: PlacementBroker; replicaCount: number; leaderCount: number };

/**
 * Replicas for each new partition, preferred leader first (replication.md C9): across zones, then hosts, then by load. Never two on one host
 * while enough hosts exist. Greedy, one partition after the other, so equal input gives equal placement everywhere.
 */
export function placeReplicas(request: PlacementRequest): number[][] {
  const candidates: Candidate[] = request.brokers.map((broker) => ({
    broker,
    replicaCount: broker.replicaCount,
    leaderCount: broker.leaderCount,
  }));
  return Array.from({ length: request.partitionCount }, () =>
    placePartition(candidates, request.replicationFactor),
  );
}

function placePartition(candidates: readonly Candidate[], replicationFactor: number): number[] {
  const chosen: Candidate[] = [];
  while (chosen.length < Math.min(replicationFactor, candidates.length)) {
    let best: { candidate: Candidate; rank: number[] } | null = null;
    for (const candidate of candidates) {
      if (chosen.includes(candidate)) continue;
      const rank = rankOf(candidate, chosen);
      if (best === null || isBefore(rank, best.rank)) best = { candidate, rank };
    }
    if (best === null) break;
    chosen.push(best.candidate);
    best.candidate.replicaCount += 1;
  }
  const leader = chosen[0];
  if (leader !== undefined) leader.leaderCount += 1;
  return chosen.map(({ broker }) => broker.brokerId);
}

/** Smaller is better, position by position. The first replica is the preferred leader, so leaderships weigh before replicas there. */
function rankOf({ broker, ...load }: Candidate, chosen: readonly Candidate[]): number[] {
  const sameHost = count(chosen, ({ host, zone }) => host === broker.host && zone === broker.zone);
  const sameZone = count(chosen, ({ zone }) => zone === broker.zone);
  const loads =
    chosen.length === 0
      ? [load.leaderCount, load.replicaCount]
      : [load.replicaCount, load.leaderCount];
  return [broker.isActive ? 0 : 1, sameHost, sameZone, ...loads, broker.brokerId];
}

function count(
  chosen: readonly Candidate[],
  matches: (broker: PlacementBroker) => boolean,
): number {
  return chosen.filter(({ broker }) => matches(broker)).length;
}

function isBefore(left: readonly number[], right: readonly number[]): boolean {
  for (const [position, value] of left.entries()) {
    const other = right[position] ?? 0;
    if (value !== other) return value < other;
  }
  return false;
}

/** A factor nobody named: three, or as many as there are brokers until there are three. */
export function defaultReplicationFactor(brokerCount: number): number {
  return Math.max(1, Math.min(3, brokerCount));
}
