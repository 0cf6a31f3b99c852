import { defaultCellConfig } from "../cell/cell-config.ts";
import { defaultPackingConfig } from "../cold/start-packing.ts";
import type { BrokerConfig } from "../config.ts";
import { defaultBrokerConfig } from "../config.ts";
import type { BrokerEnvironment } from "./environment.ts";

/** Where the broker is: its failure domain, and how others reach it. */
export type Place = { readonly zone: string; readonly host: string };

export type ContainerFacts = {
  readonly place: Place;
  readonly version: string;
  /** What its disk has free at the start. */
  readonly diskBytes: number;
};

/** Of the disk: what the log takes before cold records leave it. The rest is for what the store does not take for a while. */
const localShare = 0.5;

/** For what a stop does beside handing over: answering what is under way, the last writes and flushes. */
const stopReserveMs = 20_000;
/** Of that, for requests under way. */
const stopTimeoutMs = 10_000;

/**
 * A broker in a container: its disk goes with the task, so that every start with an empty one is a new broker, and a stop has to be over before ECS ends
 * it (replication.md C5).
 */
export function containerConfig(
  environment: BrokerEnvironment,
  { place, version, diskBytes }: ContainerFacts,
): BrokerConfig {
  const { MYELIN_PORT: port, MYELIN_LISTEN_HOST: host, MYELIN_PROFILE: profile } = environment;
  const stopMs = environment.MYELIN_STOP_TIMEOUT_S * 1_000;
  const reserveMs = Math.min(stopReserveMs, stopMs / 2);
  return {
    ...defaultBrokerConfig,
    cellName: environment.MYELIN_CELL,
    directory: `${environment.MYELIN_DATA_DIR}/broker-1`,
    listen: { host, port },
    advertised: { host: place.host, port },
    zone: place.zone,
    isEphemeral: true,
    tiering: { localBudgetBytes: Math.floor(diskBytes * localShare) },
    // All disks of a cell may go at once: what is in no segment yet is in packs.
    packing: defaultPackingConfig,
    version,
    // Where groups have few members, nobody wants to wait three seconds for the first message.
    ...(profile === "dev" ? { groups: { initialRebalanceDelayMs: 0 } } : {}),
    stopTimeoutMs: Math.min(stopTimeoutMs, reserveMs / 2),
    cell: {
      drainTimeoutMs: Math.min(defaultCellConfig.drainTimeoutMs, stopMs - reserveMs),
      replacementDelayMs: environment.MYELIN_REPLACEMENT_DELAY_S * 1_000,
    },
  };
}
