import { answerInLog, askInLog, hasQuestions } from "../../metadata/commands/ask-in-log.ts";
import type { Command } from "../../metadata/commands/command.ts";
import type { Image, Question } from "../../metadata/image/image.ts";
import type { SubmitOutcome } from "./cell-events.ts";
import type { CellState, Step } from "./cell-state.ts";
import { isInOffice } from "./cell-state.ts";
import { submit } from "./submission.ts";

// Brokers that cannot hear each other all read the metadata log: before one of them goes by silence alone it asks there, and whoever is there answers.

/** What this broker asks in the metadata log, and what it owes others there. */
export type QuestionState = {
  /** This broker's own, as it stands in the log, and since when it has been seen there. */
  own: { readonly revision: number; readonly sinceMs: number } | null;
  nextAskMs: number;
  /** Of the answer that is under way. */
  answerId: number | null;
  nextAnswerMs: number;
};

export function createQuestions(): QuestionState {
  return { own: null, nextAskMs: -Infinity, answerId: null, nextAnswerMs: -Infinity };
}

export function asksInLog({ config }: CellState, image: Image): boolean {
  return config.rules.asksInLog && hasQuestions(image);
}

/** What became of this broker's own question, and an answer to those that wait for it. */
export function followQuestions(state: CellState, step: Step): void {
  const { questions, config, brokerId } = state;
  const { image, nowMs } = step;
  const { revision = null } = image.questions.get(brokerId) ?? {};
  if (questions.own !== null && revision === null) {
    // It is answered, or nobody is left to answer it.
    questions.own = null;
    // For who has asked. To whoever else hears nobody, and is heard by more, an answer says nothing.
    state.link.lastSignMs = nowMs;
    questions.nextAskMs = nowMs + 2 * config.sessionMs;
  }
  if (revision !== null && questions.own?.revision !== revision)
    questions.own = { revision, sinceMs: nowMs };
  answer(state, step);
}

function answer(state: CellState, step: Step): void {
  const { questions, brokerId, brokerEpoch } = state;
  const { image, nowMs } = step;
  if (image.questions.size === 0 || questions.answerId !== null) return;
  if (nowMs < questions.nextAnswerMs) return;
  const askedBy = [...image.questions.values()]
    .filter(({ asked }) => asked.includes(brokerId))
    .filter((question) => isOurs(state, question, step))
    .map((question) => question.brokerId);
  if (askedBy.length === 0) return;
  questions.answerId = submit(state, step, {
    name: "answer",
    isController: isInOffice(state, image),
    command: (now) => answerInLog(now, { brokerId, brokerEpoch, askedBy }),
  });
}

/**
 * A controller's question is whether this broker lives. Any other is whether the office is held, and a controller holds it unless whoever asks is heard by
 * more brokers: who is cut off from all the others answers as well, for whoever asks alone would be no better in its place.
 */
function isOurs(state: CellState, question: Question, step: Step): boolean {
  if (question.brokerId === step.image.controller.brokerId) return true;
  return isInOffice(state, step.image) && heardCount(state, step) >= question.heardCount;
}

/** In service or not: who is fenced may be so because it cannot be heard. */
function heardCount({ office, config }: CellState, { nowMs }: Step): number {
  let count = 0;
  for (const { isKnown, lastHeardMs } of office?.watched.values() ?? [])
    if (isKnown && nowMs - lastHeardMs <= config.sessionMs) count += 1;
  return count;
}

export function answerSubmitted(
  { questions, config }: CellState,
  { id, outcome }: { readonly id: number; readonly outcome: SubmitOutcome },
  { nowMs }: Step,
): void {
  if (questions.answerId !== id) return;
  questions.answerId = null;
  if (outcome.kind !== "accepted") questions.nextAnswerMs = nowMs + config.retryMs;
}

type Asking = {
  readonly asked: readonly number[];
  readonly heardCount: number;
  /** Since when nobody was heard: what was asked before was asked of another silence. */
  readonly silentSinceMs: number;
};

/** The question to be asked now, if there is one: one at a time, and no more than one in a session. */
export function questionDue(
  state: CellState,
  { asked, heardCount: heard, silentSinceMs }: Asking,
  { image, nowMs }: Pick<Step, "image" | "nowMs">,
): Command<unknown> | null {
  const { questions, config, brokerId, brokerEpoch } = state;
  const { own } = questions;
  if (asked.length === 0 || nowMs < questions.nextAskMs) return null;
  // One that waits for longer waits for somebody who is heard, and does not read the log.
  const isWaiting = own !== null && nowMs - own.sinceMs <= 2 * config.sessionMs;
  if (isWaiting && own.sinceMs >= silentSinceMs) return null;
  questions.nextAskMs = nowMs + config.sessionMs;
  const { epoch: controllerEpoch } = image.controller;
  const question = { brokerId, brokerEpoch, asked, heardCount: heard, controllerEpoch };
  return (now, context) => askInLog(now, question, context);
}

/** This broker's question about a silence that began then, which has waited for a session; null if there is none. */
export function unanswered(
  { questions, config, brokerId }: CellState,
  silentSinceMs: number,
  { image, nowMs }: Pick<Step, "image" | "nowMs">,
): Question | null {
  const { own } = questions;
  if (own === null || own.sinceMs < silentSinceMs) return null;
  if (nowMs - own.sinceMs <= config.sessionMs) return null;
  return image.questions.get(brokerId) ?? null;
}
