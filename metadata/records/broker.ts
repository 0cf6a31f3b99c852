import { boolean, int, nullable, oneOf, since, string, struct } from "./field-types.ts";
import type { InferFields } from "./field-types.ts";
import { recordKind } from "./record-kind.ts";

const brokerStates = ["fenced", "active", "draining"] as const;

/** How the broker's previous life ended (replication.md C4). `new`: there was none. */
const previousEnds = ["new", "clean", "processCrash", "hostCrash"] as const;

const evacuationFields = {
  /** Of the entry that began it. */
  revision: int,
  startedAtMs: int,
  /** What the broker held then. */
  replicaCount: int,
};

/** An operator's drain: the broker stays in service and is given nothing new, while all it holds moves to others. */
export type Evacuation = InferFields<typeof evacuationFields>;

const evacuationType = nullable(struct(evacuationFields));

export const brokerRecord = recordKind("broker", 30, {
  brokerId: int,
  /** Revision of the registration entry: unique, and it grows with every start. */
  epoch: int,
  /** 128 random bits drawn at each start. */
  incarnation: string,
  directoryId: string,
  /** The directory dies with its host (Fargate). */
  ephemeral: boolean,
  zone: string,
  host: string,
  /** Position among the brokers of one machine, from 1: fixes the port (base port + slot - 1 + a cluster's offset). */
  slot: int,
  port: int,
  minLevel: int,
  maxLevel: int,
  previousEnd: oneOf(previousEnds),
  state: oneOf(brokerStates),
  registeredAtMs: int,
  /** Its disk is gone for good (replication.md C3); only of a fenced broker. */
  isLost: since(2, boolean, false),
  /** Stays through restarts and fences. */
  evacuation: since(3, evacuationType, null),
});

export const brokerStateRecord = recordKind("brokerState", 31, {
  brokerId: int,
  state: oneOf(brokerStates),
  isLost: since(2, boolean, false),
});

export const brokerUnregisteredRecord = recordKind("brokerUnregistered", 32, { brokerId: int });

/** null: it is over, and the broker may be given replicas again. */
export const brokerEvacuationRecord = recordKind(
  "brokerEvacuation",
  33,
  { brokerId: int, evacuation: evacuationType },
  { since: 3 },
);
