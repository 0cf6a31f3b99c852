import { Command } from "commander";
import { brokerCommand } from "./broker-command.ts";
import { cellCommand } from "./cell.ts";
import { clusterCommand } from "./cluster.ts";
import { completionCommand } from "./completion.ts";
import { consumeCommand } from "./consume.ts";
import { costCommand } from "./cost.ts";
import { devCommand } from "./dev-command.ts";
import { groupCommand } from "./group.ts";
import { produceCommand } from "./produce.ts";
import { topicCommand } from "./topic.ts";
import { tunnelCommand } from "./tunnel-command.ts";
import { version } from "./version.ts";

export function createProgram(): Command {
  const program = new Command("myelin")
    .description("Serverless Kafka for your own AWS account")
    .version(version, "-V, --version")
    .option("--url <address>", "of the control plane (MYELIN_URL; http://127.0.0.1:8080)")
    .option("--cluster <name>", "name or id of the cluster (MYELIN_CLUSTER)")
    .option("--profile <name>", "named settings of myelin.json (MYELIN_PROFILE)")
    .option("--json", "print JSON: one document, or one object a line")
    .showSuggestionAfterError()
    .addHelpText(
      "after",
      "\nSettings come from flags, then MYELIN_* variables, then ./myelin.json or the user's myelin/config.json.\nA token for the HTTP API of a cell with a jwtIssuer comes from MYELIN_TOKEN alone.",
    );
  const commands = [
    devCommand(),
    brokerCommand(),
    clusterCommand(),
    topicCommand(),
    produceCommand(),
    consumeCommand(),
    groupCommand(),
    cellCommand(),
    costCommand(),
    tunnelCommand(),
    completionCommand(() => program),
  ];
  for (const command of commands) program.addCommand(command);
  inheritExits(program);
  return program;
}

/** Misuse throws, wherever in the tree it is found, so that one place chooses exit codes. */
function inheritExits(command: Command): void {
  command.exitOverride();
  for (const each of command.commands) inheritExits(each);
}
