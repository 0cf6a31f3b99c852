import { Command } from "commander";
import type { BrokerLoss } from "../control/cell.ts";
import { counted } from "./cell-report.ts";
import { contextOf } from "./context.ts";
import { brokerId } from "./option-values.ts";
import type { Output } from "./output.ts";

export function declareLostCommand(): Command {
  return new Command("declare-lost")
    .description("say that a broker's disk is gone for good; shows first what is lost with it")
    .argument("<broker>", "its id", brokerId)
    .option("--confirm <word>", "do it; the word is printed with what would be lost")
    .action(async (broker: number, { confirm }: { confirm?: string }, command: Command) => {
      const { myelin, output } = await contextOf(command);
      const loss =
        confirm === undefined
          ? await myelin.cell.lossOf(broker)
          : await myelin.cell.declareLost(broker, confirm);
      if (output.isJson) return output.json(loss);
      show(loss, output);
      if (loss.isDone) return output.line(`Broker ${broker} is lost: nothing waits for it.`);
      output.note(
        `Nothing was done. If its disk is gone for good: myelin cell declare-lost ${broker} --confirm ${loss.confirmation}`,
      );
    });
}

function show({ broker, replicas, waiting, lastCopies, partitions }: BrokerLoss, output: Output) {
  output.line(`${counted(replicas, "replica")} on broker ${broker}.`);
  if (waiting === 0) return output.line("No partition waits for it: no record is lost.");
  output.line(
    `${counted(waiting, "partition")} without a leader wait for it, of ${lastCopies} it has the last copy.`,
  );
  output.table(
    ["partition", "what is lost", "others"],
    partitions.map(({ cluster, topic, partition, isLastCopy, otherMembers }) => [
      `${cluster}/${topic} ${partition}`,
      isLastCopy ? "its last records" : "perhaps its last records",
      otherMembers.join(","),
    ]),
  );
  if (waiting > partitions.length) output.line(`and ${waiting - partitions.length} more`);
}

export function unregisterCommand(): Command {
  return new Command("unregister")
    .description("forget a broker that is out of service and holds nothing")
    .argument("<broker>", "its id", brokerId)
    .action(async (broker: number, _options: object, command: Command) => {
      const { myelin, output } = await contextOf(command);
      await myelin.cell.unregister(broker);
      if (output.isJson) output.json({ unregistered: broker });
      else output.line(`Broker ${broker} is forgotten.`);
    });
}
