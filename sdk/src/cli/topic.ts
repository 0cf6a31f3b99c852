import { Command } from "commander";
import type { TopicDescription, Topics } from "../control/topics.ts";
import { MyelinError } from "../errors.ts";
import { contextOf } from "./context.ts";
import { CliError } from "./failure.ts";
import { nameAndValue, positiveNumber, several } from "./option-values.ts";
import type { Output } from "./output.ts";

export function topicCommand(): Command {
  const noun = new Command("topic").description("topics of a cluster");
  noun.addCommand(listCommand());
  noun.addCommand(createCommand());
  noun.addCommand(describeCommand());
  noun.addCommand(alterCommand());
  noun.addCommand(deleteCommand());
  return noun;
}

function listCommand(): Command {
  return new Command("list")
    .alias("ls")
    .description("all topics of the cluster")
    .action(async (_options: object, command: Command) => {
      const { cluster, output } = await contextOf(command);
      const topics = await (await cluster()).topics.list();
      if (output.isJson) return output.json(topics);
      output.table(
        ["name", "partitions", "replicas", "id"],
        topics.map(({ name, partitions, replicationFactor, id }) => [
          name,
          String(partitions),
          String(replicationFactor),
          id,
        ]),
      );
    });
}

type CreateOptions = {
  partitions?: number;
  replicationFactor?: number;
  config?: Record<string, string>;
  ifNotExists?: boolean;
  validateOnly?: boolean;
};

function createCommand(): Command {
  return new Command("create")
    .description("new topics")
    .argument("<name...>")
    .option("-p, --partitions <count>", "how many; the cluster's default if absent", positiveNumber)
    .option("-r, --replication-factor <count>", "copies of each partition", positiveNumber)
    .option(
      "-c, --config <name=value>",
      "a setting, as in retention.ms=7d; repeatable",
      nameAndValue,
    )
    .option("--if-not-exists", "a topic that is there already is no failure")
    .option("--validate-only", "check everything, create nothing")
    .action(async (names: string[], options: CreateOptions, command: Command) => {
      const { cluster, output } = await contextOf(command);
      const { topics } = await cluster();
      for (const name of names) {
        const created = await create(topics, name, options);
        report(created ?? (await topics.get(name)), { isNew: created !== null, options, output });
      }
    });
}

async function create(
  topics: Topics,
  name: string,
  { partitions, replicationFactor, config, ifNotExists, validateOnly }: CreateOptions,
): Promise<TopicDescription | null> {
  try {
    return await topics.create({
      name,
      ...(partitions === undefined ? {} : { partitions }),
      ...(replicationFactor === undefined ? {} : { replicationFactor }),
      ...(config === undefined ? {} : { configs: config }),
      ...(validateOnly === undefined ? {} : { validateOnly }),
    });
  } catch (error) {
    const isThere = error instanceof MyelinError && error.code === "TOPIC_ALREADY_EXISTS";
    if (isThere && ifNotExists === true) return null;
    throw error;
  }
}

function report(
  topic: TopicDescription,
  { isNew, options, output }: { isNew: boolean; options: CreateOptions; output: Output },
): void {
  if (output.isJson) return output.json(topic);
  const partitions = `${topic.partitions} partition${topic.partitions === 1 ? "" : "s"}`;
  if (options.validateOnly === true)
    output.line(`Topic ${topic.name} can be created with ${partitions}.`);
  else if (isNew) output.line(`Created topic ${topic.name} with ${partitions}.`);
  else output.line(`Topic ${topic.name} is there already, with ${partitions}.`);
}

function describeCommand(): Command {
  return new Command("describe")
    .description("a topic's partitions and settings")
    .argument("<name>")
    .option("-a, --all", "also settings that are at their defaults")
    .action(async (name: string, { all }: { all?: boolean }, command: Command) => {
      const { cluster, output } = await contextOf(command);
      const { topics } = await cluster();
      const topic = await topics.get(name);
      const [partitions, settings] = [await topics.partitions(name), await topics.configs(name)];
      const configs = settings.filter(({ isDefault }) => all === true || !isDefault);
      if (output.isJson) return output.json({ ...topic, partitionList: partitions, configs });
      output.line(`Name         ${topic.name}`);
      output.line(`Id           ${topic.id}`);
      output.line(`Partitions   ${topic.partitions}`);
      output.line(`Replicas     ${topic.replicationFactor}`);
      output.line("");
      output.table(
        ["partition", "leader", "replicas", "in sync"],
        partitions.map(({ partition, leader, replicas, inSync }) => [
          String(partition),
          leader === null ? "none" : String(leader),
          replicas.join(","),
          inSync.join(","),
        ]),
      );
      if (configs.length === 0) return;
      output.line("");
      output.table(
        ["setting", "value", "source"],
        configs.map((each) => [each.name, each.value ?? "", each.source]),
      );
    });
}

type AlterOptions = {
  partitions?: number;
  config?: Record<string, string>;
  unset?: string[];
};

function alterCommand(): Command {
  return new Command("alter")
    .description("more partitions, other settings")
    .argument("<name>")
    .option("-p, --partitions <count>", "raise their number to this", positiveNumber)
    .option(
      "-c, --config <name=value>",
      "a setting, as in retention.ms=7d; repeatable",
      nameAndValue,
    )
    .option("--unset <name>", "put a setting back to its default; repeatable", several)
    .action(async (name: string, options: AlterOptions, command: Command) => {
      const { cluster, output } = await contextOf(command);
      const unset = Object.fromEntries((options.unset ?? []).map((setting) => [setting, null]));
      const configs = { ...options.config, ...unset };
      const hasConfigs = Object.keys(configs).length > 0;
      if (!hasConfigs && options.partitions === undefined)
        throw new CliError("Nothing to alter: give --partitions, --config or --unset.", 2);
      const { topics } = await cluster();
      if (hasConfigs) await topics.configure(name, configs);
      if (options.partitions !== undefined) await topics.grow(name, options.partitions);
      const topic = await topics.get(name);
      if (output.isJson) output.json(topic);
      else output.line(`Altered topic ${topic.name}.`);
    });
}

function deleteCommand(): Command {
  return new Command("delete")
    .alias("rm")
    .description("delete topics and all their messages")
    .argument("<name...>")
    .action(async (names: string[], _options: object, command: Command) => {
      const { cluster, output } = await contextOf(command);
      const { topics } = await cluster();
      for (const name of names) {
        await topics.delete(name);
        if (output.isJson) output.json({ deleted: name });
        else output.line(`Deleted topic ${name}.`);
      }
    });
}
