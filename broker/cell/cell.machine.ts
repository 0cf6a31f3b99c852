import type { MetadataChange } from "../../metadata/image/changes.ts";
import type { Image } from "../../metadata/image/image.ts";
import { alarmAfter, alarmLeaderless } from "./alarms.ts";
import type { CellConfig } from "./cell-config.ts";
import type { CellEffect, CellEvent } from "./cell-events.ts";
import { isInOffice, self } from "./cell-state.ts";
import type { CellState, Step } from "./cell-state.ts";
import { attend } from "./duties.ts";
import {
  closed,
  createLink,
  dialController,
  followController,
  heartbeatAnswered,
  heartbeatFailed,
  sendHeartbeat,
  stopWhenDrained,
} from "./heartbeats.ts";
import {
  dialAgain,
  dialled,
  followOffice,
  forgetEnds,
  heartbeatReceived,
  heartbeatsClosed,
  listenAnew,
  ownReport,
  watchBrokers,
} from "./office.ts";
import { answerSubmitted, createQuestions, followQuestions } from "./questions.ts";
import { judgeServing } from "./serving.ts";
import { askTier, tierRead } from "./tier-ends.ts";
import { answerVote, considerTakeover, giveUp, voteAnswered } from "./takeover.ts";

type EventOf<Type extends CellEvent["type"]> = Extract<CellEvent, { type: Type }>;

export type CellOptions = {
  /** As the log has registered them for this start. */
  readonly brokerId: number;
  readonly brokerEpoch: number;
  readonly config: CellConfig;
  /** The object store holds records of the cell, and is asked before any are given up. */
  readonly hasTier: boolean;
  readonly random: () => number;
  readonly nowMs: number;
};

/** A broker that has just registered, and so read the log to its head. */
export function createCell({ nowMs, ...options }: CellOptions): CellState {
  return {
    ...options,
    lastTickMs: nowMs,
    logReadMs: nowMs,
    nextSubmitId: 1,
    link: createLink(nowMs),
    candidacy: null,
    nextRound: 1,
    nextCandidacyMs: nowMs,
    office: null,
    questions: createQuestions(),
    stopAskedMs: null,
    isStopped: false,
    isAsleep: false,
    serving: { reads: true, acks1: true },
  };
}

/**
 * A broker among others (replication.md 6): it tells the controller that it lives, stops answering when it may have been replaced, seeks the office when
 * nobody holds it, and does the controller's work while it does. Changes `state` in place and says what is to be done outside. The image is the one the
 * process has replayed; commands are judged again on the log's head.
 */
export function stepCell(
  state: CellState,
  event: CellEvent,
  { image, nowMs }: { readonly image: Image; readonly nowMs: number },
): CellEffect[] {
  const step: Step = { image, nowMs, effects: [] };
  if (state.isStopped) return answerStopped(event, step);
  if (nowMs - state.lastTickMs > state.config.tickMs + state.config.lateTickMs) {
    listenAnew(state, { stoodStillSinceMs: state.lastTickMs, nowMs });
    state.lastTickMs = nowMs;
  }
  apply(state, event, step);
  followController(state, step);
  followOffice(state, step);
  watchBrokers(state, step);
  endReplaced(state, step);
  if (!state.isStopped) {
    sendHeartbeat(state, step);
    followQuestions(state, step);
    considerTakeover(state, step);
    askTier(state, step);
    attend(state, step);
    stopWhenDrained(state, step);
    judgeServing(state, step);
    sleepWithCell(state, step);
  }
  return step.effects;
}

function apply(state: CellState, event: CellEvent, step: Step): void {
  switch (event.type) {
    case "tick":
      return tick(state, event, step);
    case "applied":
      followOffice(state, step);
      forgetEnds(state, event.changes, step);
      return applied(state, event.changes, step);
    case "heartbeatReceived":
      // The log may have moved since the last step: the desk knows every broker before one speaks.
      followOffice(state, step);
      watchBrokers(state, step);
      return heartbeatReceived(state, event, step);
    case "ownReport":
      followOffice(state, step);
      return ownReport(state, event, step);
    case "heartbeatAnswered":
      return heartbeatAnswered(state, event, step);
    case "heartbeatFailed":
      return heartbeatFailed(state, event, step);
    case "connectionClosed":
      if (event.side === "theirs") return heartbeatsClosed(state, event.brokerId, step);
      return event.brokerId === state.link.controllerId ? closed(state, step) : undefined;
    case "dialled":
      return dialledAny(state, event, step);
    case "voteAsked":
      return answerVote(state, event, step);
    case "voteAnswered":
      return voteAnswered(state, event, step);
    case "tierRead":
      return tierRead(state, event, step);
    case "submitted":
      return submitted(state, event, step);
    case "stopAsked":
      state.stopAskedMs ??= step.nowMs;
      state.link.nextHeartbeatMs = step.nowMs;
      return;
  }
}

function tick(state: CellState, { logReadMs }: EventOf<"tick">, step: Step): void {
  const { nowMs } = step;
  const { link, config, office } = state;
  state.lastTickMs = nowMs;
  // Before it could be read again nobody could have been missed for not deciding anything.
  const wasCutOff = nowMs - state.logReadMs > config.sessionMs;
  state.logReadMs = Math.max(state.logReadMs, logReadMs);
  if (wasCutOff && nowMs - state.logReadMs <= config.sessionMs) {
    link.lastHeardMs = Math.max(link.lastHeardMs, nowMs);
  }
  dialController(state, step);
  if (office === null || !isInOffice(state, step.image)) return;
  for (const [brokerId, watched] of office.watched) dialAgain(state, watched, { brokerId, step });
  alarmLeaderless(office, step);
}

/** Decisions of brokers show that somebody is there; what the control plane writes does not. */
function applied(state: CellState, changes: readonly MetadataChange[], { nowMs }: Step): void {
  const isSign = changes.some(
    ({ kind }) => kind === "partitionChanged" || kind === "brokerStateChanged",
  );
  if (isSign) state.link.lastSignMs = nowMs;
}

/** One connection tells both of a process that keeps it: whoever asked has its answer. */
function dialledAny(state: CellState, event: EventOf<"dialled">, step: Step): void {
  const { link } = state;
  if (event.brokerId === link.controllerId && link.dial === "asked") {
    link.dial = event.outcome === "refused" ? "refused" : "none";
  }
  dialled(state, event, step);
}

function submitted(state: CellState, { id, outcome }: EventOf<"submitted">, step: Step): void {
  const { candidacy, office, config } = state;
  answerSubmitted(state, { id, outcome }, step);
  if (candidacy?.submitId === id) {
    // Accepted: the office comes with the entry. Else somebody was faster, or nobody knows.
    if (outcome.kind !== "accepted" || !isInOffice(state, step.image)) giveUp(state, step);
  }
  if (office?.submitted?.id !== id) return;
  const { duty } = office.submitted;
  office.submitted = null;
  if (outcome.kind === "unavailable") {
    office.notBeforeMs = step.nowMs + config.retryMs;
    // Whatever it was decided on is judged again, though nothing may have changed.
    office.areEndsNew = true;
  }
  if (outcome.kind === "accepted") alarmAfter(duty, outcome.result, step);
}

/** Its registration is no longer the log's (C4): another process lives in its name, or nobody is to. */
function endReplaced(state: CellState, { image, effects }: Step): void {
  const broker = self(state, image);
  if (state.isStopped || broker?.epoch === state.brokerEpoch) return;
  state.isStopped = true;
  // Until the process has ended.
  effects.push({ type: "serve", reads: false, acks1: false });
  effects.push({ type: "stop", reason: broker === undefined ? "unregistered" : "replaced" });
}

/** Everything is in the object store: the process may end, in good order. */
function sleepWithCell(state: CellState, { image, effects }: Step): void {
  const isAsleep = image.sleep.state === "asleep";
  if (isAsleep && !state.isAsleep) effects.push({ type: "sleep" });
  state.isAsleep = isAsleep;
}

/** Whoever asks a broker that is ending is answered, and told nothing it could build on. */
function answerStopped(event: CellEvent, { image, effects }: Step): CellEffect[] {
  const { brokerId: controllerId, epoch: controllerEpoch } = image.controller;
  if (event.type === "voteAsked") {
    const { replyTo } = event;
    effects.push({ type: "answerVote", replyTo, isGranted: true, controllerId, controllerEpoch });
  }
  if (event.type === "heartbeatReceived") {
    const { replyTo } = event;
    const said = { isCaughtUp: false, isFenced: false, shouldShutDown: false };
    const log = { logReadAgeMs: Number.MAX_SAFE_INTEGER, isLogUnreadable: false };
    const answer = { error: "NOT_CONTROLLER" as const, controllerEpoch, ...said, ...log };
    effects.push({ type: "answerHeartbeat", replyTo, answer });
  }
  return effects;
}
