import { inSyncInvariants } from "./in-sync.ts";
import type { Invariant } from "./invariant.ts";
import { soundImage } from "./image.ts";
import { leadershipInvariants } from "./leadership.ts";
import { recoveryInvariants } from "./recoveries.ts";
import { replicaLogInvariants } from "./replica-log.ts";
import { serviceInvariants } from "./service.ts";
import { tierInvariants } from "./tier.ts";

/** Every invariant of replication.md §3, by its name there. What only clients can see of them (nothing beyond the high watermark) is in history/. */
export const invariants: readonly Invariant[] = [
  ...leadershipInvariants,
  ...inSyncInvariants,
  ...replicaLogInvariants,
  ...recoveryInvariants,
  ...serviceInvariants,
  ...tierInvariants,
  soundImage,
];
