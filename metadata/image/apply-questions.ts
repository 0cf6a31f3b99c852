import { fieldsOf } from "../records/record-kind.ts";
import type { MetadataRecord } from "../records/table.ts";
import type { MetadataChange } from "./changes.ts";
import type { MutableImage } from "./mutable-image.ts";

type RecordOfKind<Kind extends MetadataRecord["kind"]> = Extract<MetadataRecord, { kind: Kind }>;

export function applyQuestion(
  image: MutableImage,
  record: RecordOfKind<"question">,
): MetadataChange[] {
  const question = fieldsOf(record);
  image.questions.set(question.brokerId, question);
  return [{ kind: "questionAsked", brokerId: question.brokerId }];
}

export function applyAnswer(
  image: MutableImage,
  { brokerId }: RecordOfKind<"answer">,
): MetadataChange[] {
  expectNothingOf(image, brokerId);
  return [{ kind: "questionAnswered", brokerId }];
}

/** Nobody waits for the broker any longer: it has shown itself, or is out of service. A question that waits for nobody is over. */
export function expectNothingOf({ questions }: MutableImage, brokerId: number): void {
  for (const question of questions.values()) {
    if (!question.asked.includes(brokerId)) continue;
    const asked = question.asked.filter((id) => id !== brokerId);
    if (asked.length === 0) questions.delete(question.brokerId);
    else questions.set(question.brokerId, { ...question, asked });
  }
}

/** Its process is another one or none: what the one before it asked helps nobody. */
export function forgetAsker(image: MutableImage, brokerId: number): void {
  image.questions.delete(brokerId);
  expectNothingOf(image, brokerId);
}
