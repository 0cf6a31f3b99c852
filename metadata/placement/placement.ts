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

/** Brokers and their load while replicas are placed, so that one choice knows of those before it. */
export type Placement = {
  readonly candidates: readonly Candidate[];
  /** Grows with every choice: equally good brokers take turns. */
  round: number;
  /** Replicas of the partition at hand, by domain. */
  readonly hostUse: Uint16Array;
  readonly zoneUse: Uint16Array;
};

type Candidate = {
  readonly brokerId: number;
  readonly isActive: boolean;
  readonly zone: string;
  readonly hostIndex: number;
  readonly zoneIndex: number;
  replicaCount: number;
  leaderCount: number;
  isTaken: boolean;
};

export function createPlacement(brokers: readonly PlacementBroker[]): Placement {
  const hosts = new Map<string, number>();
  const zones = new Map<string, number>();
  const indexIn = (known: Map<string, number>, name: string) => {
    const index = known.get(name) ?? known.size;
    known.set(name, index);
    return index;
  };
  let round = 0;
  const candidates = brokers.map((broker): Candidate => {
    const { brokerId, isActive, zone, host, replicaCount, leaderCount } = broker;
    round += replicaCount;
    return {
      brokerId,
      isActive,
      zone,
      // Machines of different zones may well have one name.
      hostIndex: indexIn(hosts, JSON.stringify([zone, host])),
      zoneIndex: indexIn(zones, zone),
      replicaCount,
      leaderCount,
      isTaken: false,
    };
  });
  const hostUse = new Uint16Array(hosts.size);
  const zoneUse = new Uint16Array(zones.size);
  return { candidates, round, hostUse, zoneUse };
}

/**
 * Replicas for a new partition, preferred leader first (replication.md C9): across zones, then hosts, then by load. Never two on one host while enough
 * hosts exist. Greedy, one partition after the other, so equal input gives equal placement everywhere. Fewer than asked for where brokers are fewer.
 */
export function placePartition(placement: Placement, replicationFactor: number): number[] {
  const chosen: Candidate[] = [];
  while (chosen.length < replicationFactor) {
    const best = bestOf(placement, placement.candidates, chosen);
    if (best === null) break;
    take(placement, best);
    chosen.push(best);
    best.replicaCount += 1;
  }
  const leader = chosen[0];
  if (leader !== undefined) leader.leaderCount += 1;
  release(placement, chosen);
  return chosen.map(({ brokerId }) => brokerId);
}

/**
 * One more active broker for a partition that has `replicas`; null if there is none. `zone`: where it should be if it can (the zone of the replica that it
 * replaces).
 */
export function placeBeside(
  placement: Placement,
  replicas: readonly number[],
  zone: string | null,
): number | null {
  const present = placement.candidates.filter(({ brokerId }) => replicas.includes(brokerId));
  for (const candidate of present) take(placement, candidate);
  const active = placement.candidates.filter(({ isActive }) => isActive);
  const inZone = zone === null ? [] : active.filter((candidate) => candidate.zone === zone);
  const best = bestOf(placement, inZone, present) ?? bestOf(placement, active, present);
  release(placement, present);
  if (best === null) return null;
  best.replicaCount += 1;
  return best.brokerId;
}

function bestOf(
  { round, hostUse, zoneUse }: Placement,
  candidates: readonly Candidate[],
  chosen: readonly Candidate[],
): Candidate | null {
  const isFirst = chosen.length === 0;
  let best: Candidate | null = null;
  for (const candidate of candidates) {
    if (candidate.isTaken) continue;
    if (best === null || isBetter(candidate, best)) best = candidate;
  }
  return best;

  /** The first replica is the preferred leader, so leaderships weigh before replicas there. */
  function isBetter(left: Candidate, right: Candidate): boolean {
    if (left.isActive !== right.isActive) return left.isActive;
    const byHost = (hostUse[left.hostIndex] ?? 0) - (hostUse[right.hostIndex] ?? 0);
    if (byHost !== 0) return byHost < 0;
    const byZone = (zoneUse[left.zoneIndex] ?? 0) - (zoneUse[right.zoneIndex] ?? 0);
    if (byZone !== 0) return byZone < 0;
    const byLeaders = left.leaderCount - right.leaderCount;
    const byReplicas = left.replicaCount - right.replicaCount;
    if (isFirst) {
      if (byLeaders !== 0) return byLeaders < 0;
      return byReplicas === 0 ? left.brokerId < right.brokerId : byReplicas < 0;
    }
    if (byReplicas !== 0) return byReplicas < 0;
    // In turns rather than by id: else the same brokers share all their partitions, and one that dies leaves its leaderships to two.
    return turn(left.brokerId, round) < turn(right.brokerId, round);
  }
}

function take(placement: Placement, candidate: Candidate): void {
  const { hostUse, zoneUse } = placement;
  candidate.isTaken = true;
  hostUse[candidate.hostIndex] = (hostUse[candidate.hostIndex] ?? 0) + 1;
  zoneUse[candidate.zoneIndex] = (zoneUse[candidate.zoneIndex] ?? 0) + 1;
}

function release(placement: Placement, chosen: readonly Candidate[]): void {
  placement.round += 1;
  for (const candidate of chosen) {
    candidate.isTaken = false;
    placement.hostUse[candidate.hostIndex] = 0;
    placement.zoneUse[candidate.zoneIndex] = 0;
  }
}

/** Mixes a broker and a round into an order of its own for each round. */
function turn(brokerId: number, round: number): number {
  const mixed = Math.imul(brokerId ^ Math.imul(round, 0x9e3779b1), 0x85ebca6b);
  return (mixed ^ (mixed >>> 13)) >>> 0;
}

/** A factor nobody named: three, or as many as there are brokers until there are three. */
export function defaultReplicationFactor(brokerCount: number): number {
  return Math.max(1, Math.min(3, brokerCount));
}
