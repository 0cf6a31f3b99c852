import type { PartitionLoad } from "../../metadata/commands/balance-replicas.ts";
import type { Broker, Image } from "../../metadata/image/image.ts";
import type { TierEnd } from "../../metadata/commands/recovery.ts";
import type { ReportedEnd } from "../../metadata/commands/recovery-plan.ts";
import type { CellConfig } from "./cell-config.ts";
import type { CellEffect, HeartbeatAnswer } from "./cell-events.ts";
import type { TieredPartition, UntoldPartition } from "./tier-ends.ts";
import type { QuestionState } from "./questions.ts";

/** One broker's part in its cell, and the controller's office while it has it. Changed in place, by cell.machine.ts alone. */
export type CellState = {
  readonly brokerId: number;
  readonly brokerEpoch: number;
  readonly config: CellConfig;
  /** The object store holds records of the cell. */
  readonly hasTier: boolean;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  lastTickMs: number;
  /** When the metadata log was last read to its head. */
  logReadMs: number;
  nextSubmitId: number;
  readonly link: ControllerLinkState;
  candidacy: Candidacy | null;
  nextRound: number;
  nextCandidacyMs: number;
  office: Office | null;
  readonly questions: QuestionState;
  stopAskedMs: number | null;
  isStopped: boolean;
  /** It was told to stop because the cell sleeps. */
  isAsleep: boolean;
  serving: { reads: boolean; acks1: boolean };
};

/** What this broker has of the controller. */
export type ControllerLinkState = {
  /** The term it speaks of. */
  controllerId: number | null;
  controllerEpoch: number;
  counter: number;
  /** The heartbeat under way. */
  sent: {
    readonly atMs: number;
    readonly controllerEpoch: number;
    readonly counter: number;
  } | null;
  nextHeartbeatMs: number;
  /** When the controller was last heard, by its answer to what was sent then. */
  lastHeardMs: number;
  /** When somebody other than this broker last showed itself in the metadata log. */
  lastSignMs: number;
  /** Since when it is missed. */
  missedSinceMs: number | null;
  /** The connection to it is gone. */
  isClosed: boolean;
  dial: "none" | "asked" | "refused";
  nextDialMs: number;
  /** When the controller had read the log and this broker knew as much, at the latest. */
  knownAsOfMs: number;
  /** Its last answer, and when that heartbeat was sent. */
  answer: { readonly sentMs: number; readonly said: HeartbeatAnswer } | null;
};

/** This broker misses the controller, and asks whether others do. */
export type Candidacy = {
  readonly round: number;
  readonly missed: { readonly brokerId: number | null; readonly epoch: number };
  /** Without the controller that is missed. */
  readonly electorate: readonly number[];
  /** Out of service, without a vote: how many of them are heard says where most hear each other. Null: it is not asked. */
  readonly bystanders: readonly number[] | null;
  readonly outcomes: Map<number, "granted" | "denied" | "refused" | "silent">;
  readonly deadlineMs: number;
  /** Of the take-over that is under way. */
  submitId: number | null;
};

/** The controller's desk: what it has seen of the brokers in this term. */
export type Office = {
  readonly epoch: number;
  readonly sinceMs: number;
  /** Silence counts from here on at the earliest. */
  listeningSinceMs: number;
  /** From when on it stood still before that, with what pauses came shortly before. */
  stoodStillSinceMs: number;
  /** Since when it hears fewer than half of those in service. */
  cutOffSinceMs: number | null;
  readonly watched: Map<number, Watched>;
  /** The newest that anybody has said to have replayed. */
  newestRevision: number;
  /** By partition, then broker; of partitions without a leader only. */
  readonly ends: Map<string, Map<number, ReportedEnd>>;
  areEndsNew: boolean;
  /** By partition: what the object store holds of those without a leader. */
  readonly tiered: Map<string, TierEnd & TieredPartition>;
  /** Of which it could not be told: from when on they are asked about again, who waits longest first. */
  readonly untold: Map<string, UntoldPartition>;
  isAskingTier: boolean;
  askTierMs: number;
  /** Who has not replayed so far speaks of logs as they were before the last partition lost its leader. */
  leaderlessRevision: number;
  recoveredAtRevision: number;
  /** Deleted topics whose data is being dropped, with a revision at which they were known to be deleted. */
  readonly purging: Map<string, number>;
  /** By the broker that leads them. */
  readonly loads: Map<number, readonly PartitionLoad[]>;
  submitted: { readonly id: number; readonly duty: string } | null;
  /** No command before this time: the log did not answer. */
  notBeforeMs: number;
  /** When each duty is looked at again. */
  readonly nextMs: Map<string, number>;
  levelSinceMs: number | null;
  /** Since when there are partitions that wait for any broker. */
  wakingSinceMs: number | null;
};

/** A broker in one life, as the controller sees it. */
export type Watched = {
  readonly brokerEpoch: number;
  counter: number;
  lastHeardMs: number;
  /** It has sent a heartbeat in this term. */
  isKnown: boolean;
  isClosed: boolean;
  /** When what it was last heard of by was sent, at the earliest: it may have waited while this broker stood still. */
  sentMs: number;
  /** Whether it had no reason then to miss this controller, which had read the log within the session, or neither had. */
  wasContent: boolean;
  dial: "none" | "asked" | "refused";
  /** When its process was first known to have ended, since it was last heard. */
  endedMs: number | null;
  nextDialMs: number;
  metadataRevision: number;
  logReadMs: number;
  wantsShutDown: boolean;
  /** Since when, and at which revision, this controller has seen it fenced. */
  fenced: { readonly sinceMs: number; readonly revision: number } | null;
  /** Since when it has drained, and the revision its drain was last advanced at. */
  drain: { readonly sinceMs: number; revision: number } | null;
};

/** One step: what the machine works with besides its state. */
export type Step = {
  readonly nowMs: number;
  readonly image: Image;
  readonly effects: CellEffect[];
};

export function self(state: CellState, image: Image): Broker | undefined {
  return image.brokers.get(state.brokerId);
}

/** Brokers in service but for those named. */
export function activeBut(image: Image, ...ids: readonly (number | null)[]): number[] {
  const found: number[] = [];
  for (const { brokerId, state } of image.brokers.values()) {
    if (state === "active" && !ids.includes(brokerId)) found.push(brokerId);
  }
  return found;
}

export function isInOffice(state: CellState, image: Image): boolean {
  const { controller } = image;
  return controller.brokerId === state.brokerId && controller.epoch === state.office?.epoch;
}

/** Another broker was registered where this one listened: its process is gone, whoever answers there. */
export function isSupplanted(image: Image, brokerId: number): boolean {
  const broker = image.brokers.get(brokerId);
  if (broker === undefined) return false;
  for (const other of image.brokers.values()) {
    const isThere = other.host === broker.host && other.port === broker.port;
    if (isThere && other.epoch > broker.epoch) return true;
  }
  return false;
}

/** All of them at once: to ask for each of a hundred whether one of a hundred others is there was most of what an idle controller did. */
export function supplantedIn({ brokers }: Image): ReadonlySet<number> {
  const last = new Map<string, Broker>();
  const supplanted = new Set<number>();
  for (const broker of brokers.values()) {
    const place = `${broker.host}:${broker.port}`;
    const other = last.get(place);
    const isLater = other === undefined || broker.epoch > other.epoch;
    if (isLater) last.set(place, broker);
    const earlier = isLater ? other : broker;
    if (earlier !== undefined) supplanted.add(earlier.brokerId);
  }
  return supplanted;
}
