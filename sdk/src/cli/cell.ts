import { Command } from "commander";
import { drainCommand, undrainCommand } from "./cell-drain.ts";
import { moveCommand } from "./cell-move.ts";
import { declareLostCommand, unregisterCommand } from "./cell-removal.ts";
import { restoreCommand } from "./cell-restore.ts";
import { sleepCommand, wakeCommand } from "./cell-sleep.ts";
import { statusCommand } from "./cell-status.ts";

export function cellCommand(): Command {
  const noun = new Command("cell").description("the brokers behind the clusters");
  noun.addCommand(statusCommand());
  noun.addCommand(drainCommand());
  noun.addCommand(undrainCommand());
  noun.addCommand(moveCommand());
  noun.addCommand(declareLostCommand());
  noun.addCommand(unregisterCommand());
  noun.addCommand(sleepCommand());
  noun.addCommand(wakeCommand());
  noun.addCommand(restoreCommand());
  return noun;
}
