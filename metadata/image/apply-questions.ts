import { fieldsOf } from "../records/record-kind.ts";
import type { MetadataRecord } from "../records/table.ts";
import type { MutableImage } from "./mutable-image.ts";

type RecordOfKind<Kind extends MetadataRecord["kind"]> = Extract<MetadataRecord, { kind: Kind }>;

export function applyQuestion(image: MutableImage, record: RecordOfKind<"question">): void {
  const question = fieldsOf(record);
  image.questions.set(question.brokerId, question);
}

export function applyAnswer(
  image: MutableImage,
  { brokerId, askedBy }: RecordOfKind<"answer">,
): void {
  for (const asker of askedBy) expectNothing(image, asker, brokerId);
}

/** It asks nobody and nobody waits for it: its process is another one or none. */
export function forgetQuestions(image: MutableImage, brokerId: number): void {
  image.questions.delete(brokerId);
  expectNothingOf(image, brokerId);
}

/** Nobody waits for the broker any longer. */
export function expectNothingOf(image: MutableImage, brokerId: number): void {
  for (const asker of image.questions.keys()) expectNothing(image, asker, brokerId);
}

/** A question that waits for nobody is over. */
function expectNothing({ questions }: MutableImage, asker: number, brokerId: number): void {
  const question = questions.get(asker);
  if (question?.asked.includes(brokerId) !== true) return;
  const asked = question.asked.filter((id) => id !== brokerId);
  if (asked.length === 0) questions.delete(asker);
  else questions.set(asker, { ...question, asked });
}
