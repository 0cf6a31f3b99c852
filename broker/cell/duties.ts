import { advanceMoves } from "../../metadata/commands/advance-moves.ts";
import { isAwaited } from "../../metadata/commands/ask-in-log.ts";
import { balanceLeaders } from "../../metadata/commands/balance-leaders.ts";
import { balanceReplicas } from "../../metadata/commands/balance-replicas.ts";
import type { BrokerRef } from "../../metadata/commands/broker-ref.ts";
import { byController } from "../../metadata/commands/by-controller.ts";
import type { Command } from "../../metadata/commands/command.ts";
import { purgeTopics } from "../../metadata/commands/delete-topics.ts";
import { declareLost, isWaitedFor } from "../../metadata/commands/declare-lost.ts";
import { drainBroker, drainProgress } from "../../metadata/commands/drain-broker.ts";
import { fenceBrokers } from "../../metadata/commands/fence-brokers.ts";
import { highestCommonLevel, raiseLevel } from "../../metadata/commands/raise-level.ts";
import { recoverPartitions } from "../../metadata/commands/recover-partitions.ts";
import { growTopics, replaceReplicas } from "../../metadata/commands/replace-replicas.ts";
import { unfenceBrokers } from "../../metadata/commands/unfence-brokers.ts";
import { unregisterBroker } from "../../metadata/commands/unregister-broker.ts";
import type { Broker, Image } from "../../metadata/image/image.ts";
import { isSleeping } from "../../metadata/image/seals.ts";
import { activeBut, isInOffice, supplantedIn } from "./cell-state.ts";
import type { CellState, Step, Watched } from "./cell-state.ts";
import { isCutOff, isGone, isLeftAlone, isSilent } from "./hearing.ts";
import type { Desk } from "./hearing.ts";
import { asksInLog, questionDue, unanswered } from "./questions.ts";
import { hasMoreToSeal, sleep, wake } from "./sleep-duties.ts";
import { ruled, submit } from "./submission.ts";
import { tieredEndsOf } from "./tier-ends.ts";

/** What a duty wants done now; null if nothing. */
type Duty = {
  readonly name: string;
  /** How often it is looked at: some of them look at every partition. */
  readonly everyMs: number;
  /** The command is tried on the image first, and not submitted where it would change nothing. */
  readonly isTried: boolean;
  readonly decide: (desk: Desk) => Command<unknown> | null;
};

/** In the order of their urgency. One command is under way at a time, so that each is decided on what the one before it made of the image. */
const duties: readonly Duty[] = [
  { name: "fence", everyMs: 0, isTried: false, decide: fence },
  { name: "ask", everyMs: 0, isTried: false, decide: ask },
  { name: "unfence", everyMs: 0, isTried: false, decide: unfence },
  { name: "drain", everyMs: 250, isTried: true, decide: drain },
  { name: "finishDrain", everyMs: 250, isTried: false, decide: finishDrain },
  { name: "declareLost", everyMs: 1_000, isTried: false, decide: lost },
  { name: "recover", everyMs: 250, isTried: true, decide: recover },
  { name: "wake", everyMs: 500, isTried: true, decide: wake },
  { name: "sleep", everyMs: 500, isTried: true, decide: sleep },
  { name: "advanceMoves", everyMs: 5_000, isTried: true, decide: () => advanceMoves },
  { name: "replace", everyMs: 2_000, isTried: true, decide: replace },
  { name: "grow", everyMs: 5_000, isTried: true, decide: grow },
  { name: "balanceLeaders", everyMs: 10_000, isTried: true, decide: leaders },
  { name: "balanceReplicas", everyMs: 60_000, isTried: true, decide: replicas },
  { name: "purge", everyMs: 5_000, isTried: false, decide: purge },
  { name: "unregister", everyMs: 60_000, isTried: false, decide: unregister },
  { name: "raiseLevel", everyMs: 60_000, isTried: false, decide: level },
];

/** Submits the most urgent command there is, unless one is under way. */
export function attend(state: CellState, step: Step): void {
  const { office } = state;
  const { image, nowMs } = step;
  if (office === null || !isInOffice(state, image)) return;
  if (office.submitted !== null || nowMs < office.notBeforeMs) return;
  const desk: Desk = { state, office, image, supplanted: supplantedIn(image), nowMs };
  if (isCutOff(desk)) office.cutOffSinceMs ??= nowMs;
  else office.cutOffSinceMs = null;
  for (const { name, everyMs, isTried, decide } of duties) {
    if (nowMs < (office.nextMs.get(name) ?? -Infinity)) continue;
    office.nextMs.set(name, nowMs + everyMs);
    const command = decide(desk);
    if (command === null || (isTried && isIdle(state, image, command))) continue;
    const term = { brokerId: state.brokerId, epoch: office.epoch };
    const id = submit(state, step, {
      name,
      isController: true,
      command: byController(term, command),
    });
    office.submitted = { id, duty: name };
    return;
  }
}

function isIdle(state: CellState, image: Image, command: Command<unknown>): boolean {
  const context = { nowMs: 0, revision: image.revision + 1, uuid: () => "" };
  const decision = ruled(state, { command })(image, context);
  return decision.kind === "rejected" || decision.records.length === 0;
}

/** C1: at once after a refused connection, else after a session of silence. */
function fence(desk: Desk): Command<unknown> | null {
  const { state } = desk;
  const gone = pick(desk, (broker, watched) => {
    return broker.state !== "fenced" && isGone(desk, broker, watched);
  });
  const silent = silentForGood(desk);
  if (gone.length + silent.length === 0) return null;
  const { cutOffSinceMs } = desk.office;
  if (cutOffSinceMs === null || !asksInLog(state, desk.image)) {
    return (image, context) => fenceBrokers(image, { brokers: [...gone, ...silent] }, context);
  }
  // Who has answered by the time this is decided is there.
  const { brokerId: askedBy, questions } = state;
  const revision = questions.own?.revision ?? -1;
  return (image, context) => {
    const mute = silent.filter(({ brokerId: from }) =>
      isAwaited(image, { askedBy, revision, from }),
    );
    return fenceBrokers(image, { brokers: [...gone, ...mute] }, context);
  };
}

/** Nobody, for whoever is cut off, but those that have not answered in the log either. */
function silentForGood(desk: Desk): BrokerRef[] {
  const { state, image, office } = desk;
  const silent = silentNow(desk);
  if (office.cutOffSinceMs === null || silent.length === 0) return silent;
  if (!asksInLog(state, image)) return isLeftAlone(desk) ? silent : [];
  const asked = unanswered(state, office.cutOffSinceMs, desk)?.asked ?? [];
  return silent.filter(({ brokerId }) => asked.includes(brokerId));
}

function silentNow(desk: Desk): BrokerRef[] {
  return pick(desk, (broker, watched) => isSilent(desk, broker, watched));
}

/** A controller that is cut off for a session asks the silent in the log: whoever is elected in its place by brokers that hear each other is so by then. */
function ask(desk: Desk): Command<unknown> | null {
  const { state, image, nowMs } = desk;
  const { cutOffSinceMs } = desk.office;
  if (cutOffSinceMs === null || !asksInLog(state, image)) return null;
  if (nowMs - cutOffSinceMs <= state.config.sessionMs) return null;
  const asked = silentNow(desk).map(({ brokerId }) => brokerId);
  return questionDue(state, { asked, heardCount: 0, silentSinceMs: cutOffSinceMs }, desk);
}

/** Heard since it was fenced, and past the entry that fenced it. */
function unfence(desk: Desk): Command<unknown> | null {
  const { rules, sessionMs } = desk.state.config;
  const brokers = pick(desk, (broker, { fenced, ...watched }) => {
    if (fenced === null || broker.state !== "fenced" || watched.wantsShutDown) return false;
    const isHeard = watched.isKnown && desk.nowMs - watched.lastHeardMs <= sessionMs;
    const hasReplayed = watched.metadataRevision >= fenced.revision || !rules.waitsForReplay;
    return isHeard && !watched.isClosed && hasReplayed;
  });
  if (brokers.length === 0) return null;
  return (image, context) => unfenceBrokers(image, { brokers }, context);
}

/** C5: begins, and goes on whenever the log has moved. */
function drain(desk: Desk): Command<unknown> | null {
  const { image } = desk;
  const [next] = pick(desk, (broker, { wantsShutDown, drain: under }) => {
    if (broker.state === "active") return wantsShutDown;
    return under !== null && under.revision < image.revision;
  });
  if (next === undefined) return null;
  const under = desk.office.watched.get(next.brokerId)?.drain;
  if (under) under.revision = image.revision;
  return (now, context) => drainBroker(now, next, context);
}

/** When nothing is left there, when nothing more can be moved, or when the time is over. */
function finishDrain(desk: Desk): Command<unknown> | null {
  const { image, nowMs, state, office } = desk;
  const isAnyActive = activeBut(image).length > 0;
  const mayJoin = (id: number) => {
    const fenced = office.watched.get(id)?.fenced;
    const mayReturn = fenced ? nowMs - fenced.sinceMs < state.config.replacementDelayMs : false;
    return image.brokers.get(id)?.state === "active" || mayReturn;
  };
  const brokers = pick(desk, (broker, { drain: under }) => {
    // Its first relief comes first.
    if (broker.state !== "draining" || under === null || under.revision < 0) return false;
    if (nowMs - under.sinceMs >= state.config.drainTimeoutMs) return true;
    if (hasMoreToSeal(desk, broker)) return false;
    if (!isAnyActive) return true;
    return drainProgress(image, broker.brokerId, mayJoin).waitingCount === 0;
  });
  if (brokers.length === 0) return null;
  return (now, context) => fenceBrokers(now, { brokers }, context);
}

/** C3: an ephemeral disk that has been gone for so long has been given to somebody else. */
function lost(desk: Desk): Command<unknown> | null {
  const { image, nowMs, state } = desk;
  const [next] = pick(desk, ({ brokerId, ephemeral, isLost }, { fenced }) => {
    if (!ephemeral || isLost || fenced === null) return false;
    return nowMs - fenced.sinceMs >= state.config.lostDelayMs && isWaitedFor(image, brokerId);
  });
  if (next === undefined) return null;
  return (now, context) => declareLost(now, next, context);
}

/** C2b and C3, by what brokers have said of their logs. */
function recover({ state, office, image }: Desk): Command<unknown> | null {
  if (image.leaderlessCount === 0) return null;
  // It looks at every partition; nothing else could change what it finds.
  if (!office.areEndsNew && office.recoveredAtRevision === image.revision) return null;
  office.areEndsNew = false;
  office.recoveredAtRevision = image.revision;
  const ends = [...office.ends.values()].flatMap((said) => [...said.values()]);
  const tieredEnds = tieredEndsOf(state);
  return (now, context) => recoverPartitions(now, { ends, tieredEnds }, context);
}

/** C7: also those that were fenced by their own wish, and never came back. */
function replace(desk: Desk): Command<unknown> | null {
  const { replacementDelayMs, maxMoving } = desk.state.config;
  const gone = pick(desk, (_, { fenced }) => {
    return fenced !== null && desk.nowMs - fenced.sinceMs >= replacementDelayMs;
  });
  if (gone.length === 0) return null;
  const brokerIds = gone.map(({ brokerId }) => brokerId);
  return (now, context) => replaceReplicas(now, { brokerIds, maxMoving }, context);
}

function grow({ state }: Desk): Command<unknown> {
  const { maxMoving } = state.config;
  return (now, context) => growTopics(now, { maxMoving }, context);
}

function leaders({ state, image }: Desk): Command<unknown> | null {
  // Each new leader would have to look again at what is to be sealed.
  if (isSleeping(image)) return null;
  const maxMoves = Math.max(1, Math.floor(state.config.leaderMovesPerMinute / 6));
  return (now, context) => balanceLeaders(now, { maxMoves }, context);
}

function replicas({ state, office, image }: Desk): Command<unknown> | null {
  if (isSleeping(image)) return null;
  // What is out of service comes back or is replaced first: until then nobody knows what is too much.
  for (const [brokerId, { replicaCount }] of image.brokerLoads) {
    if (replicaCount > 0 && image.brokers.get(brokerId)?.state !== "active") return null;
  }
  const loads = [...office.loads.values()].flat();
  const maxMoves = state.config.replicaMovesPerMinute;
  return (now, context) => balanceReplicas(now, { loads, maxMoves }, context);
}

/** A deleted topic is forgotten once no broker can hold data of it: each drops its logs as it replays the deletion, at the latest when it comes back. */
function purge({ office, image }: Desk): Command<unknown> | null {
  const { purging, watched } = office;
  for (const topicId of purging.keys())
    if (!image.purgingTopics.has(topicId)) purging.delete(topicId);
  const topicIds: string[] = [];
  for (const { topicId, brokerIds } of image.purgingTopics.values()) {
    const revision = purging.get(topicId) ?? image.revision;
    purging.set(topicId, revision);
    const hasDropped = (id: number) => (watched.get(id)?.metadataRevision ?? -1) >= revision;
    if (brokerIds.every((id) => !image.brokers.has(id) || hasDropped(id))) topicIds.push(topicId);
  }
  if (topicIds.length === 0) return null;
  return (now) => purgeTopics(now, { topicIds });
}

function unregister(desk: Desk): Command<unknown> | null {
  const { image, nowMs, state } = desk;
  const [next] = pick(desk, ({ brokerId, ephemeral }, { fenced }) => {
    if (!ephemeral || fenced === null || image.brokerLoads.has(brokerId)) return false;
    return nowMs - fenced.sinceMs >= state.config.unregisterDelayMs;
  });
  if (next === undefined) return null;
  return (now) => unregisterBroker(now, next);
}

function level({ state, office, image, nowMs }: Desk): Command<unknown> | null {
  const highest = highestCommonLevel(image);
  if (highest <= image.level) {
    office.levelSinceMs = null;
    return null;
  }
  office.levelSinceMs ??= nowMs;
  if (nowMs - office.levelSinceMs < state.config.levelDelayMs) return null;
  return (now) => raiseLevel(now, { level: highest });
}

/** Registered brokers, in the lives they are watched in, of which `isMeant` is true. */
function pick(
  { office, image }: Desk,
  isMeant: (broker: Broker, watched: Watched) => boolean,
): BrokerRef[] {
  const found: BrokerRef[] = [];
  for (const broker of image.brokers.values()) {
    const { brokerId, epoch: brokerEpoch } = broker;
    const watched = office.watched.get(brokerId);
    if (watched?.brokerEpoch !== brokerEpoch) continue;
    if (isMeant(broker, watched)) found.push({ brokerId, brokerEpoch });
  }
  return found;
}
