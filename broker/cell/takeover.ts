import { takeOver } from "../../metadata/commands/take-over.ts";
import type { Image } from "../../metadata/image/image.ts";
import type { CellEvent } from "./cell-events.ts";
import { activeBut, isInOffice, isSupplanted, self, supplantedIn } from "./cell-state.ts";
import type { Candidacy, CellState, Step } from "./cell-state.ts";
import { missesController } from "./heartbeats.ts";
import { asksInLog, questionDue, unanswered } from "./questions.ts";
import { submit } from "./submission.ts";

type EventOf<Type extends CellEvent["type"]> = Extract<CellEvent, { type: Type }>;

/**
 * A hundred brokers start their questions within a second, the first of them after some 10 ms. Whoever starts before the first has its entry in the log
 * decides and writes for nothing, and each such entry fails over the controller's partitions: in a quarter of a second that were thirty of them.
 */
const msPerBroker = 10;

/**
 * replication.md C0: without a controller in the log any broker in service takes over at once; one that misses the controller asks the others first. The
 * compare-and-set of the log settles who wins: all this decides is whether to try.
 */
export function considerTakeover(state: CellState, step: Step): void {
  const { image, nowMs } = step;
  const { config, candidacy } = state;
  if (state.isStopped || isInOffice(state, image)) return;
  if (candidacy !== null) return settleCandidacy(state, candidacy, step);
  if (!missesController(state, step)) {
    state.link.missedSinceMs = null;
    return;
  }
  if (state.link.missedSinceMs === null) {
    state.link.missedSinceMs = nowMs;
    // Everybody misses it at the same moment, and would ask everybody else.
    const spreadMs = image.brokers.size > 3 ? msPerBroker * image.brokers.size : 0;
    state.nextCandidacyMs = Math.max(state.nextCandidacyMs, nowMs + spreadMs * state.random());
  }
  if (nowMs < state.nextCandidacyMs) return;
  // Who cannot read the log cannot append to it.
  if (nowMs - state.logReadMs > config.sessionMs) return;
  const missed = { ...image.controller };
  const electorate = activeBut(image, state.brokerId, missed.brokerId);
  const isActive = self(state, image)?.state === "active";
  const isFree = missed.brokerId === null && (isActive || electorate.length === 0);
  const round = state.nextRound++;
  const deadlineMs = nowMs + config.voteTimeoutMs + config.tickMs;
  const begun: Candidacy = {
    round,
    missed,
    electorate,
    bystanders: bystandersOf(state, image, deadlineMs),
    outcomes: new Map(),
    deadlineMs,
    submitId: null,
  };
  state.candidacy = begun;
  if (isFree || !config.rules.asksBeforeTakeover) return appoint(state, begun, step);
  const voters = [...askable(begun, image), ...electorate];
  if (voters.length === 0) return appoint(state, begun, step);
  step.effects.push({
    type: "askVote",
    round,
    brokerIds: [...voters, ...(begun.bystanders ?? [])],
    controllerEpoch: missed.epoch,
    timeoutMs: config.voteTimeoutMs,
  });
}

/** Null unless the log is to be asked when this round is over. */
function bystandersOf(state: CellState, image: Image, deadlineMs: number): number[] | null {
  if (!asksInLog(state, image) || !isAloneFor(state, 2, deadlineMs)) return null;
  const supplanted = supplantedIn(image);
  return [...image.brokers.values()].flatMap(({ brokerId, state: itsState }) => {
    const isBystander = itsState !== "active" && brokerId !== image.controller.brokerId;
    return isBystander && brokerId !== state.brokerId && !supplanted.has(brokerId)
      ? [brokerId]
      : [];
  });
}

/** The missed controller is asked too, where it can be. */
function askable({ missed, outcomes }: Candidacy, image: Image): number[] {
  const { brokerId } = missed;
  if (brokerId === null || !image.brokers.has(brokerId)) return [];
  if (!isSupplanted(image, brokerId)) return [brokerId];
  outcomes.set(brokerId, "refused");
  return [];
}

export function voteAnswered(
  state: CellState,
  { round, brokerId, outcome, controllerEpoch }: EventOf<"voteAnswered">,
  step: Step,
): void {
  const { candidacy } = state;
  if (controllerEpoch > step.image.controller.epoch) step.effects.push({ type: "readLog" });
  if (candidacy?.round !== round || candidacy.submitId !== null) return;
  if (controllerEpoch > candidacy.missed.epoch) return giveUp(state, step);
  candidacy.outcomes.set(brokerId, outcome);
  settleCandidacy(state, candidacy, step);
}

/** Once all have answered, or the time is over: silence is an answer too. */
function settleCandidacy(state: CellState, candidacy: Candidacy, step: Step): void {
  if (candidacy.submitId !== null) return;
  const { missed, electorate, outcomes } = candidacy;
  const controllerSaid = missed.brokerId === null ? undefined : outcomes.get(missed.brokerId);
  if (isThere(controllerSaid) && !isUseless(state, step)) {
    // It is there, and this is its answer.
    state.link.lastHeardMs = step.nowMs;
    state.link.isClosed = false;
    return giveUp(state, step);
  }
  const voters = missed.brokerId === null ? electorate : [missed.brokerId, ...electorate];
  const isSettled = voters.every((id) => outcomes.has(id));
  if (!isSettled && step.nowMs < candidacy.deadlineMs) return;
  const isMajority = missCount(candidacy) * 2 >= electorate.length + 1;
  const isOutOfService = self(state, step.image)?.state !== "active";
  // Fenced or draining: only where nobody in service is there to do it.
  const isBarred = isOutOfService && electorate.some((id) => isThere(outcomes.get(id)));
  if (!isMajority || isBarred) return giveUp(state, step);
  // A refused connection is an answer: of the host, about its process.
  const isHeard = voters.some((id) => (outcomes.get(id) ?? "silent") !== "silent");
  if (isHeard) appoint(state, candidacy, step);
  else considerAlone(state, candidacy, step);
}

/**
 * Nobody answers: as likely as the others it is this broker that is cut off. While the log shows that others work, it is. Else it asks there, so early that
 * its three sessions are over when the controller has had one to answer in.
 */
function considerAlone(state: CellState, candidacy: Candidacy, step: Step): void {
  const { image, nowMs } = step;
  const { brokerId: missedId } = candidacy.missed;
  const isLong = isAloneFor(state, 3, nowMs);
  const isAskable = missedId !== null && image.brokers.has(missedId);
  if (!isAskable || !asksInLog(state, image))
    return isLong ? appoint(state, candidacy, step) : giveUp(state, step);
  const silentSinceMs = lastSignMs(state);
  const question = unanswered(state, silentSinceMs, step);
  if (isLong && question !== null) return appoint(state, candidacy, step, question.revision);
  if (candidacy.bystanders !== null && isAloneFor(state, 2, nowMs)) {
    const asking = { asked: [missedId], heardCount: companyOf(candidacy), silentSinceMs };
    const command = questionDue(state, asking, step);
    if (command !== null) submit(state, step, { name: "ask", isController: false, command });
  }
  giveUp(state, step);
}

/** This broker, and those out of service that it hears and that miss the controller too. */
function companyOf({ outcomes }: Candidacy): number {
  return 1 + [...outcomes.values()].filter((outcome) => outcome === "granted").length;
}

/** This broker, and all that refuse, are silent, or miss the controller too. */
function missCount({ electorate, outcomes }: Candidacy): number {
  return 1 + electorate.filter((id) => outcomes.get(id) !== "denied").length;
}

function isThere(outcome: string | undefined): boolean {
  return outcome === "granted" || outcome === "denied";
}

/** It answers, and cannot read the log while this broker can: nothing it ought to decide is decided. */
function isUseless({ link, config }: CellState, { nowMs }: Step): boolean {
  const { answer } = link;
  if (answer === null || nowMs - answer.sentMs > config.sessionMs) return false;
  return answer.said.logReadAgeMs > config.sessionMs && !answer.said.isLogUnreadable;
}

function isAloneFor(state: CellState, sessions: number, nowMs: number): boolean {
  return nowMs - lastSignMs(state) > sessions * state.config.sessionMs;
}

function lastSignMs({ link }: CellState): number {
  return Math.max(link.lastHeardMs, link.lastSignMs);
}

function appoint(state: CellState, candidacy: Candidacy, step: Step, question?: number): void {
  const { brokerId, brokerEpoch } = state;
  const { missed } = candidacy;
  const request = { brokerId, brokerEpoch, missed, question };
  candidacy.submitId = submit(state, step, {
    name: "takeOver",
    isController: false,
    command: (image, context) => takeOver(image, request, context),
  });
}

/** In a while, and not with everybody else at once. */
export function giveUp(state: CellState, { nowMs }: Step): void {
  state.candidacy = null;
  state.nextCandidacyMs = nowMs + state.config.retryMs * (1 + state.random());
}

/** Whether this broker misses the controller another one misses. What is newer than the image is missed: nothing was heard of it. */
export function answerVote(
  state: CellState,
  { replyTo, controllerEpoch }: EventOf<"voteAsked">,
  step: Step,
): void {
  const { brokerId: controllerId, epoch } = step.image.controller;
  if (controllerEpoch > epoch) step.effects.push({ type: "readLog" });
  const isGranted =
    controllerEpoch >= epoch && (controllerEpoch > epoch || missesController(state, step));
  step.effects.push({
    type: "answerVote",
    replyTo,
    isGranted,
    controllerId,
    controllerEpoch: epoch,
  });
}
