import { takeOver } from "../../metadata/commands/take-over.ts";
import type { Image } from "../../metadata/image/image.ts";
import type { CellEvent } from "./cell-events.ts";
import { activeBut, isInOffice, isSupplanted, self } from "./cell-state.ts";
import type { Candidacy, CellState, Step } from "./cell-state.ts";
import { missesController } from "./heartbeats.ts";
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
  const begun: Candidacy = {
    round,
    missed,
    electorate,
    outcomes: new Map(),
    deadlineMs: nowMs + config.voteTimeoutMs + config.tickMs,
    submitId: null,
  };
  state.candidacy = begun;
  if (isFree || !config.rules.asksBeforeTakeover) return appoint(state, begun, step);
  const brokerIds = [...askable(begun, image), ...electorate];
  if (brokerIds.length === 0) return appoint(state, begun, step);
  step.effects.push({
    type: "askVote",
    round,
    brokerIds,
    controllerEpoch: missed.epoch,
    timeoutMs: config.voteTimeoutMs,
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
  const askedCount = electorate.length + (missed.brokerId === null ? 0 : 1);
  if (outcomes.size < askedCount && step.nowMs < candidacy.deadlineMs) return;
  const isMajority = missCount(candidacy) * 2 >= electorate.length + 1;
  const isAllowed = isMajority && (isHeardByAnybody(candidacy) || isLongAlone(state, step));
  const isOutOfService = self(state, step.image)?.state !== "active";
  // Fenced or draining: only where nobody in service is there to do it.
  const isBarred = isOutOfService && electorate.some((id) => isThere(outcomes.get(id)));
  if (!isAllowed || isBarred) return giveUp(state, step);
  appoint(state, candidacy, step);
}

/** This broker, and all that refuse, are silent, or miss the controller too. */
function missCount({ electorate, outcomes }: Candidacy): number {
  return 1 + electorate.filter((id) => outcomes.get(id) !== "denied").length;
}

function isThere(outcome: string | undefined): boolean {
  return outcome === "granted" || outcome === "denied";
}

/** A refused connection is an answer: of the host, about its process. */
function isHeardByAnybody({ outcomes }: Candidacy): boolean {
  return [...outcomes.values()].some((outcome) => outcome !== "silent");
}

/** It answers, and cannot read the log while this broker can: nothing it ought to decide is decided. */
function isUseless({ link, config }: CellState, { nowMs }: Step): boolean {
  const { answer } = link;
  if (answer === null || nowMs - answer.sentMs > config.sessionMs) return false;
  return answer.said.logReadAgeMs > config.sessionMs && !answer.said.isLogUnreadable;
}

/** Nobody answers: as likely as the others it is this broker that is cut off. While the log shows that others work, it is. */
function isLongAlone({ link, config }: CellState, { nowMs }: Step): boolean {
  return nowMs - Math.max(link.lastHeardMs, link.lastSignMs) > 3 * config.sessionMs;
}

function appoint(state: CellState, candidacy: Candidacy, step: Step): void {
  const { brokerId, brokerEpoch } = state;
  const { missed } = candidacy;
  candidacy.submitId = submit(state, step, {
    name: "takeOver",
    isController: false,
    command: (image, context) => takeOver(image, { brokerId, brokerEpoch, missed }, context),
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
