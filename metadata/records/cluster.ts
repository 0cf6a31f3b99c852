import { int, oneOf, string, stringMap } from "./field-types.ts";
import { recordKind } from "./record-kind.ts";

const clusterStates = ["provisioning", "ready", "sleeping", "deleting"] as const;

/** A cluster as it is after the change: created if its id is new, else updated. */
export const clusterRecord = recordKind("cluster", 10, {
  clusterId: string,
  name: string,
  description: string,
  portOffset: int,
  /** Dynamic defaults of the cluster, by server setting name (`log.retention.ms`). */
  defaults: stringMap,
  state: oneOf(clusterStates),
  createdAtMs: int,
  /** Revision of the entry that last changed it: what an ETag is made of. */
  revision: int,
});

/** The cluster's dynamic default settings, all of them: those not named are back at their defaults. */
export const clusterDefaultsRecord = recordKind("clusterDefaults", 11, {
  clusterId: string,
  defaults: stringMap,
});

export const clusterDeletedRecord = recordKind("clusterDeleted", 12, { clusterId: string });

/** Topics created in the cluster from now on start above this leader epoch: clients without topic ids never accept a smaller one. */
export const epochFloorRecord = recordKind("epochFloor", 13, { clusterId: string, epoch: int });
