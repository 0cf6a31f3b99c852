import type { Command } from "../../metadata/commands/command.ts";
import type { Outcome, TopicErrorCode } from "../../metadata/commands/topic-outcome.ts";
import type { BrokerServices } from "../services.ts";
import type { ItemError } from "./submit.ts";
import { errorOfItem, noError, submit } from "./submit.ts";

export type Judged<Item> =
  | { readonly kind: "item"; readonly item: Item }
  | { readonly kind: "refused"; readonly error: ItemError };

export type Answered<Asked, Done> = {
  readonly asked: Asked;
  readonly error: ItemError;
  /** What the command made of it; null where there is an error. */
  readonly done: Done | null;
};

/** The common course of requests about several things: refuse what is wrong in itself, submit the rest as one command, answer for each in order. */
export async function submitEach<Asked, Item, Done extends object>(
  services: BrokerServices,
  asked: readonly Asked[],
  course: {
    readonly judge: (asked: Asked) => Judged<Item>;
    readonly command: (items: readonly Item[]) => Command<Outcome<Done>[], TopicErrorCode>;
  },
): Promise<Answered<Asked, Done>[]> {
  const judged = asked.map((each) => course.judge(each));
  const items = judged.flatMap((each) => (each.kind === "item" ? [each.item] : []));
  const submitted = items.length === 0 ? null : await submit(services, course.command(items));
  let next = 0;
  return asked.map((each, index) => {
    const verdict = judged[index];
    if (verdict?.kind === "refused") return { asked: each, error: verdict.error, done: null };
    if (submitted === null) return { asked: each, error: noError, done: null };
    const at = next++;
    const outcome = submitted.kind === "done" ? submitted.result[at] : undefined;
    const done = outcome?.kind === "done" ? outcome : null;
    return { asked: each, error: errorOfItem(submitted, at), done };
  });
}
