import type { Broker, Image } from "../../metadata/image/image.ts";
import type { MetadataChange } from "../../metadata/image/changes.ts";
import { partitionOf } from "../../metadata/image/image.ts";
import { noLeader } from "../../metadata/records/partition.ts";
import type {
  CellEvent,
  Heartbeat,
  HeartbeatAnswer,
  HeartbeatError,
  HeartbeatReport,
} from "./cell-events.ts";
import type { CellConfig } from "./cell-config.ts";
import { isInOffice } from "./cell-state.ts";
import type { CellState, Office, Step, Watched } from "./cell-state.ts";

type EventOf<Type extends CellEvent["type"]> = Extract<CellEvent, { type: Type }>;

/** Most partitions whose load one broker reports; the rest weighs little. */
const maxLoads = 256;
/** Most log ends of one heartbeat; the others come with the next ones. */
const maxEnds = 1_000;

/** Takes the office the log gives to this broker, and leaves the one it takes away. */
export function followOffice(state: CellState, { image, nowMs }: Step): void {
  const { controller } = image;
  if (controller.brokerId !== state.brokerId) {
    state.office = null;
    return;
  }
  if (state.office?.epoch === controller.epoch) return;
  state.candidacy = null;
  state.office = {
    epoch: controller.epoch,
    sinceMs: nowMs,
    listeningSinceMs: nowMs,
    stoodStillSinceMs: nowMs,
    cutOffSinceMs: null,
    watched: new Map(),
    newestRevision: image.revision,
    ends: new Map(),
    areEndsNew: false,
    tiered: new Map(),
    untold: new Map(),
    isAskingTier: false,
    askTierMs: nowMs,
    leaderlessRevision: image.revision,
    recoveredAtRevision: -1,
    purging: new Map(),
    loads: new Map(),
    submitted: null,
    notBeforeMs: nowMs,
    nextMs: new Map(),
    levelSinceMs: null,
    wakingSinceMs: null,
  };
}

/** After a pause (SIGSTOP, a starved machine) timers fire before the heartbeats that waited: nothing that was not heard is held against anybody. */
export function listenAnew(
  state: CellState,
  { stoodStillSinceMs, nowMs }: { stoodStillSinceMs: number; nowMs: number },
): void {
  const { office, link, config } = state;
  link.lastHeardMs = nowMs;
  // Nor are votes that were given before it: what is submitted already, the log's head judges.
  if (state.candidacy?.submitId === null) state.candidacy = null;
  if (link.dial === "refused") link.dial = "none";
  if (office === null) return;
  // Shortly after the last pause: what waited then may wait still.
  const isNext = stoodStillSinceMs - office.listeningSinceMs <= config.heartbeatMs;
  if (!isNext) office.stoodStillSinceMs = stoodStillSinceMs;
  office.listeningSinceMs = nowMs;
  office.cutOffSinceMs = null;
  const isLong = nowMs - office.stoodStillSinceMs > config.sessionMs - config.heartbeatMs;
  for (const watched of office.watched.values()) {
    // What was refused before the pause may have been answered since.
    if (watched.dial === "refused") watched.dial = "none";
    // Who came back at once has had the time to miss this controller, and may be gone again.
    if (isLong) watched.endedMs = null;
  }
}

/** Every registered broker in its present life, from the moment it is seen in the log: a registration is a sign of life. */
export function watchBrokers(state: CellState, { image, nowMs }: Step): void {
  const { office } = state;
  if (office === null) return;
  for (const brokerId of office.watched.keys()) {
    if (!image.brokers.has(brokerId)) office.watched.delete(brokerId);
  }
  for (const broker of image.brokers.values()) {
    const watched = watch(office, broker, nowMs);
    if (broker.brokerId === state.brokerId)
      atDesk(state, watched, { revision: image.revision, nowMs });
    if (broker.state !== "fenced") watched.fenced = null;
    else watched.fenced ??= { sinceMs: nowMs, revision: image.revision };
    if (broker.state !== "draining") watched.drain = null;
    else watched.drain ??= { sinceMs: nowMs, revision: -1 };
  }
}

function watch({ watched }: Office, { brokerId, epoch }: Broker, nowMs: number): Watched {
  const known = watched.get(brokerId);
  if (known?.brokerEpoch === epoch) return known;
  const begun: Watched = {
    brokerEpoch: epoch,
    counter: 0,
    lastHeardMs: nowMs,
    isKnown: false,
    isClosed: false,
    sentMs: nowMs,
    wasContent: false,
    dial: "none",
    endedMs: null,
    nextDialMs: nowMs,
    metadataRevision: 0,
    logReadMs: -Infinity,
    wantsShutDown: false,
    fenced: null,
    drain: null,
  };
  watched.set(brokerId, begun);
  return begun;
}

/** The controller hears itself. */
function atDesk(state: CellState, own: Watched, now: { revision: number; nowMs: number }): void {
  own.lastHeardMs = now.nowMs;
  own.isKnown = true;
  own.metadataRevision = now.revision;
  own.logReadMs = state.logReadMs;
  own.wantsShutDown = state.stopAskedMs !== null;
}

export function heartbeatReceived(
  state: CellState,
  event: EventOf<"heartbeatReceived">,
  step: Step,
): void {
  const { heartbeat, replyTo } = event;
  const { brokerId, brokerEpoch } = heartbeat;
  const broker = step.image.brokers.get(brokerId);
  const error = problem(state, event, step);
  const { office } = state;
  if (office !== null) {
    office.newestRevision = Math.max(office.newestRevision, heartbeat.metadataRevision);
  }
  if (brokerEpoch > (broker?.epoch ?? -1)) step.effects.push({ type: "readLog" });
  if (error === null && broker?.epoch === brokerEpoch) note(state, event, step);
  step.effects.push({
    type: "answerHeartbeat",
    replyTo,
    answer: answerOf(state, { heartbeat, broker, error }, step),
  });
}

function problem(
  state: CellState,
  { heartbeat }: EventOf<"heartbeatReceived">,
  { image }: Step,
): HeartbeatError | null {
  const { office, config } = state;
  const { brokerId, brokerEpoch, counter } = heartbeat;
  if (office === null || !isInOffice(state, image)) return "NOT_CONTROLLER";
  const broker = image.brokers.get(brokerId);
  if (broker === undefined) return "BROKER_ID_NOT_REGISTERED";
  if (brokerEpoch < broker.epoch) return "STALE_BROKER_EPOCH";
  const last = office.watched.get(brokerId);
  const isOld = last?.brokerEpoch === brokerEpoch && counter <= last.counter;
  return isOld && config.rules.countsHeartbeats ? "INVALID_REQUEST" : null;
}

type Answering = {
  heartbeat: EventOf<"heartbeatReceived">["heartbeat"];
  broker: Broker | undefined;
  error: HeartbeatError | null;
};

function answerOf(
  state: CellState,
  { heartbeat, broker, error }: Answering,
  step: Step,
): HeartbeatAnswer {
  const { image, nowMs } = step;
  // Of a former life nothing follows for this one, which the log here has yet to name.
  const isFenced = broker?.epoch === heartbeat.brokerEpoch && broker.state === "fenced";
  return {
    error,
    controllerEpoch: image.controller.epoch,
    isCaughtUp: heartbeat.metadataRevision >= newestRevision(state, step),
    isFenced,
    shouldShutDown: heartbeat.wantsShutDown && isFenced,
    logReadAgeMs: Math.max(0, nowMs - state.logReadMs),
    isLogUnreadable: error === null && isLogUnreadable(state, step),
  };
}

function note(
  { office, config, logReadMs }: CellState,
  { heartbeat, report }: EventOf<"heartbeatReceived">,
  { image, nowMs }: Step,
): void {
  const watched = office?.watched.get(heartbeat.brokerId);
  if (office === null || watched === undefined) return;
  watched.counter = Math.max(watched.counter, heartbeat.counter);
  watched.lastHeardMs = nowMs;
  watched.isKnown = true;
  const mayHaveWaited = nowMs - office.listeningSinceMs <= config.heartbeatMs;
  watched.sentMs = mayHaveWaited ? office.stoodStillSinceMs : nowMs;
  watched.wasContent =
    nowMs - logReadMs <= config.sessionMs || heartbeat.logReadAgeMs > config.sessionMs;
  watched.isClosed = false;
  watched.dial = "none";
  watched.endedMs = null;
  watched.metadataRevision = heartbeat.metadataRevision;
  watched.logReadMs = nowMs - heartbeat.logReadAgeMs;
  watched.wantsShutDown = heartbeat.wantsShutDown;
  noteReport(office, { ...heartbeat, report }, image);
}

/** The controller reports to itself. */
export function ownReport(
  { office, brokerId, brokerEpoch }: CellState,
  { report }: EventOf<"ownReport">,
  { image }: Step,
): void {
  if (office === null || image.brokers.get(brokerId)?.epoch !== brokerEpoch) return;
  noteReport(office, { brokerId, brokerEpoch, metadataRevision: image.revision, report }, image);
}

type Reported = Pick<Heartbeat, "brokerId" | "brokerEpoch" | "metadataRevision"> & {
  readonly report: HeartbeatReport;
};

function noteReport(
  office: Office,
  { brokerId, brokerEpoch, metadataRevision, report }: Reported,
  image: Image,
): void {
  office.loads.set(brokerId, report.loads.slice(0, maxLoads));
  if (metadataRevision < office.leaderlessRevision) return;
  for (const end of report.ends.slice(0, maxEnds)) {
    const partition = partitionOf(image, end.topicId, end.index);
    if (partition?.leader !== noLeader || !partition.replicas.includes(brokerId)) continue;
    const key = `${end.topicId}-${end.index}`;
    let said = office.ends.get(key);
    if (said === undefined) {
      said = new Map();
      office.ends.set(key, said);
    }
    const before = said.get(brokerId);
    const isNews =
      before?.brokerEpoch !== brokerEpoch ||
      before.logEndOffset !== end.logEndOffset ||
      before.lastEpoch !== end.lastEpoch ||
      before.isDamaged !== end.isDamaged;
    said.set(brokerId, { ...end, brokerId, brokerEpoch });
    if (isNews) office.areEndsNew = true;
  }
}

/** What was said of a log holds only as long as nobody leads the partition. */
export function forgetEnds(
  { office }: CellState,
  changes: readonly MetadataChange[],
  { image }: Step,
): void {
  if (office === null) return;
  for (const change of changes) {
    if (change.kind === "reloaded") {
      office.ends.clear();
      office.leaderlessRevision = image.revision;
    }
    if (change.kind !== "partitionChanged" || !change.isLeaderChanged) continue;
    office.ends.delete(`${change.topicId}-${change.index}`);
    const partition = partitionOf(image, change.topicId, change.index);
    if (partition?.leader === noLeader) office.leaderlessRevision = image.revision;
  }
}

/** Its process may have ended. The connection alone does not say so, one that is refused does (C1). */
export function heartbeatsClosed(state: CellState, brokerId: number, step: Step): void {
  const watched = state.office?.watched.get(brokerId);
  if (watched?.isKnown !== true || brokerId === state.brokerId) return;
  watched.isClosed = true;
  dialAgain(state, watched, { brokerId, step });
}

export function dialAgain(
  { config }: CellState,
  watched: Watched,
  { brokerId, step }: { brokerId: number; step: Step },
): void {
  const { nowMs, effects } = step;
  if (!watched.isClosed || watched.dial !== "none" || nowMs < watched.nextDialMs) return;
  watched.dial = "asked";
  watched.nextDialMs = nowMs + config.retryMs;
  effects.push({ type: "dial", brokerId, timeoutMs: config.dialTimeoutMs });
}

export function dialled(
  state: CellState,
  { brokerId, outcome }: EventOf<"dialled">,
  { nowMs }: Step,
): void {
  const watched = state.office?.watched.get(brokerId);
  if (watched?.dial !== "asked") return;
  watched.dial = outcome === "refused" ? "refused" : "none";
  if (outcome === "refused") watched.endedMs ??= nowMs;
  // By it, or by whoever lives in its name.
  if (outcome === "answered") watched.endedMs = null;
}

/** Of the log, as far as this controller has read or heard. */
export function newestRevision({ office }: CellState, { image }: Step): number {
  return Math.max(office?.newestRevision ?? 0, image.revision);
}

/**
 * Its process has ended, and cannot have taken the office before: when it was last heard it had no reason to miss this controller, and it was gone before it
 * could have had one. What it heard last may be the answer to the heartbeat before that one.
 */
function hasEndedContent(
  { wasContent, sentMs, endedMs }: Watched,
  { sessionMs, heartbeatMs }: CellConfig,
): boolean {
  return endedMs !== null && wasContent && endedMs - sentMs <= sessionMs - heartbeatMs;
}

/**
 * All brokers in service that live have said, within the session, that they could not read the log for one; nor could this one. Nor has one that is gone
 * replaced it, as far as this broker, which may have stood still, can know.
 */
export function isLogUnreadable(
  { office, config, logReadMs, brokerId: ownId }: CellState,
  { image, nowMs }: Step,
): boolean {
  const { sessionMs } = config;
  if (office === null || nowMs - logReadMs <= sessionMs) return false;
  for (const { brokerId, state } of image.brokers.values()) {
    if (state === "fenced" || brokerId === ownId) continue;
    const watched = office.watched.get(brokerId);
    if (watched !== undefined && hasEndedContent(watched, config)) continue;
    // What it said may have waited while this broker stood still: it has had that much longer to read the log and to miss this controller.
    const isHeard = watched?.isKnown === true && nowMs - watched.sentMs <= sessionMs;
    if (!isHeard || nowMs - watched.logReadMs <= sessionMs) return false;
  }
  return true;
}
