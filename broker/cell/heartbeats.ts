import type { CellEvent, HeartbeatAnswer } from "./cell-events.ts";
import { holdsLastCopies } from "../../metadata/image/seals.ts";
import { activeBut, isSupplanted, self } from "./cell-state.ts";
import type { CellState, ControllerLinkState, Step } from "./cell-state.ts";

type EventOf<Type extends CellEvent["type"]> = Extract<CellEvent, { type: Type }>;

export function createLink(nowMs: number): ControllerLinkState {
  return {
    controllerId: null,
    controllerEpoch: -1,
    counter: 0,
    sent: null,
    nextHeartbeatMs: nowMs,
    lastHeardMs: nowMs,
    lastSignMs: nowMs,
    missedSinceMs: null,
    isClosed: false,
    dial: "none",
    nextDialMs: nowMs,
    knownAsOfMs: -Infinity,
    answer: null,
  };
}

/** Every controller has a session to answer in, from the moment it is known. */
export function followController(state: CellState, { image, nowMs }: Step): void {
  const { link } = state;
  const { brokerId, epoch } = image.controller;
  if (link.controllerId === brokerId && link.controllerEpoch === epoch) return;
  Object.assign(link, createLink(nowMs), {
    controllerId: brokerId,
    controllerEpoch: epoch,
    // Of this broker's life, whoever it is told to.
    counter: link.counter,
    knownAsOfMs: link.knownAsOfMs,
  });
  state.candidacy = null;
}

/** One at a time, to whoever the log names. The controller itself needs none: it is at its own desk. */
export function sendHeartbeat(state: CellState, { image, nowMs, effects }: Step): void {
  const { link, config } = state;
  const controllerId = image.controller.brokerId;
  if (controllerId === null || controllerId === state.brokerId) return;
  // Whatever became of one that old, the controller has it or never will.
  if (link.sent !== null && nowMs - link.sent.atMs < config.sessionMs) return;
  if (nowMs < link.nextHeartbeatMs || !image.brokers.has(controllerId)) return;
  link.counter += 1;
  const { controllerEpoch, counter } = link;
  link.sent = { atMs: nowMs, controllerEpoch, counter };
  // Whoever is out of service, or may know what a partition without a leader waits for, is not to be waited for.
  const isHasty =
    state.stopAskedMs !== null ||
    image.leaderlessCount > 0 ||
    self(state, image)?.state === "fenced";
  link.nextHeartbeatMs = nowMs + (isHasty ? config.retryMs : config.heartbeatMs);
  effects.push({
    type: "heartbeat",
    brokerId: controllerId,
    heartbeat: {
      brokerId: state.brokerId,
      brokerEpoch: state.brokerEpoch,
      counter: link.counter,
      metadataRevision: image.revision,
      wantsShutDown: state.stopAskedMs !== null,
      logReadAgeMs: Math.max(0, nowMs - state.logReadMs),
    },
  });
}

export function heartbeatAnswered(
  state: CellState,
  { counter, answer }: EventOf<"heartbeatAnswered">,
  step: Step,
): void {
  const { link } = state;
  const { sent } = link;
  if (sent?.counter !== counter) return;
  link.sent = null;
  if (sent.controllerEpoch !== link.controllerEpoch) return;
  // Another term than the log here has: it is behind, or the other broker is.
  if (answer.controllerEpoch > link.controllerEpoch) step.effects.push({ type: "readLog" });
  if (answer.error === "NOT_CONTROLLER") return missedAnswer(state, step);
  if (answer.error !== null) {
    // It knows more of this broker than the broker itself: the log says what.
    step.effects.push({ type: "readLog" });
    return;
  }
  heard(link, { answer, sentMs: sent.atMs, nowMs: step.nowMs }, state.config.sessionMs);
  if (answer.shouldShutDown && state.stopAskedMs !== null) stop(state, step);
}

type Heard = { answer: HeartbeatAnswer; sentMs: number; nowMs: number };

/**
 * A controller that cannot read the log decides nothing: while this broker can, it is missed (replication.md C0). While nobody can, it is as good as any.
 */
function heard(
  link: ControllerLinkState,
  { answer, sentMs, nowMs }: Heard,
  sessionMs: number,
): void {
  link.answer = { sentMs, said: answer };
  if (answer.isCaughtUp) {
    link.knownAsOfMs = Math.max(link.knownAsOfMs, sentMs - answer.logReadAgeMs);
  }
  link.isClosed = false;
  link.dial = "none";
  if (answer.logReadAgeMs <= sessionMs || answer.isLogUnreadable) link.lastHeardMs = nowMs;
}

export function heartbeatFailed(
  state: CellState,
  { counter, reason }: EventOf<"heartbeatFailed">,
  step: Step,
): void {
  const { link } = state;
  if (link.sent?.counter !== counter) return;
  link.sent = null;
  if (reason === "refused") {
    link.isClosed = true;
    link.dial = "refused";
  }
  if (reason === "lost") return closed(state, step);
  missedAnswer(state, step);
}

function missedAnswer({ link, config }: CellState, { nowMs }: Step): void {
  link.nextHeartbeatMs = Math.max(link.nextHeartbeatMs, nowMs + config.retryMs);
}

/** The controller's process may be gone: a connection that is refused says so at once (C0). */
export function closed(state: CellState, step: Step): void {
  const { link, config } = state;
  link.sent = null;
  link.isClosed = true;
  link.nextHeartbeatMs = Math.min(link.nextHeartbeatMs, step.nowMs + config.retryMs);
  dialController(state, step);
}

export function dialController(state: CellState, { nowMs, effects }: Step): void {
  const { link, config } = state;
  if (!link.isClosed || link.dial === "asked" || link.controllerId === null) return;
  if (link.controllerId === state.brokerId || nowMs < link.nextDialMs) return;
  link.dial = "asked";
  link.nextDialMs = nowMs + config.retryMs;
  effects.push({ type: "dial", brokerId: link.controllerId, timeoutMs: config.dialTimeoutMs });
}

/** Silence for a session, or a connection that was lost and is refused. */
export function missesController(state: CellState, { image, nowMs }: Step): boolean {
  const { link, config } = state;
  if (link.controllerId === null) return true;
  if (link.controllerId === state.brokerId) return false;
  if (isSupplanted(image, link.controllerId)) return true;
  if (link.isClosed && link.dial === "refused") return true;
  return nowMs - link.lastHeardMs > config.sessionMs;
}

/**
 * SIGTERM: the controller drains this broker. Where no other is active nothing can be taken over, and there is nothing to wait for, but for last copies on their
 * way to the object store.
 */
export function stopWhenDrained(state: CellState, step: Step): void {
  const { stopAskedMs, config, brokerId } = state;
  if (stopAskedMs === null) return;
  const { image, nowMs } = step;
  const own = self(state, image);
  const isFenced = own?.state === "fenced";
  const mustSeal = state.hasTier && own?.ephemeral === true && holdsLastCopies(image, brokerId);
  // The controller has had its time and more; whatever is in the way, the process ends.
  const isLate = nowMs - stopAskedMs > config.drainTimeoutMs + config.sessionMs;
  const isAlone = activeBut(image, brokerId).length === 0;
  if (isFenced || isLate || (isAlone && !mustSeal)) stop(state, step);
}

function stop(state: CellState, { effects }: Step): void {
  if (state.isStopped) return;
  state.isStopped = true;
  effects.push({ type: "stop", reason: "drained" });
}
