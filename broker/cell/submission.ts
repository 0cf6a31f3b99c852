import type { Command } from "../../metadata/commands/command.ts";
import type { CellState, Step } from "./cell-state.ts";

type Submission = {
  readonly name: string;
  readonly command: Command<unknown>;
  readonly isController: boolean;
};

/** Hands a command to the process, which tells by the number returned what became of it. */
export function submit(state: CellState, { effects }: Step, submission: Submission): number {
  const id = state.nextSubmitId++;
  const { name, isController } = submission;
  effects.push({ type: "submit", id, name, isController, command: ruled(state, submission) });
  return id;
}

/** Under the rules of this cell, where a test of the tests has broken one. */
export function ruled(
  { config }: CellState,
  { command }: Pick<Submission, "command">,
): Command<unknown> {
  const { commandRules } = config;
  if (commandRules === undefined) return command;
  return (image, context) => command(image, { ...context, rules: commandRules });
}
