import type { Image } from "../image/image.ts";
import { rejected } from "./command.ts";
import type { Command } from "./command.ts";

/** A term of office: the log names the broker and the epoch. */
export type ControllerTerm = { readonly brokerId: number; readonly epoch: number };

export function isController(image: Image, { brokerId, epoch }: ControllerTerm): boolean {
  return image.controller.brokerId === brokerId && image.controller.epoch === epoch;
}

/** A controller's decision counts only while the log names it (replication.md C0): one that was paused decides nothing more. */
export function byController<Result, Code extends string>(
  term: ControllerTerm,
  command: Command<Result, Code>,
): Command<Result, Code | "NOT_CONTROLLER"> {
  return (image, context) => {
    if (isController(image, term)) return command(image, context);
    const { brokerId, epoch } = image.controller;
    return rejected(
      "NOT_CONTROLLER",
      `broker ${term.brokerId} is not the controller of epoch ${term.epoch}: the log names ${brokerId ?? "none"} in epoch ${epoch}`,
    );
  };
}
