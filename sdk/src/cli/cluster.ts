import { Command } from "commander";
import type { Cluster } from "../cluster.ts";
import { contextOf } from "./context.ts";
import { nameAndValue } from "./option-values.ts";
import type { Output } from "./output.ts";

export function clusterCommand(): Command {
  const noun = new Command("cluster").description("logical Kafka clusters of the cell");
  noun
    .command("list")
    .alias("ls")
    .description("all clusters")
    .action(async (_options: object, command: Command) => {
      const { myelin, output } = await contextOf(command);
      const clusters = await myelin.clusters.list();
      if (output.isJson) return output.json(clusters.map(shown));
      output.table(
        ["name", "id", "state", "bootstrap servers"],
        clusters.map(({ name, id, state, bootstrapServers }) => [
          name,
          id,
          state,
          bootstrapServers,
        ]),
      );
    });
  noun
    .command("create")
    .description("a new cluster, with topics of its own")
    .argument("<name>")
    .option("--description <text>")
    .option(
      "--default <name=value>",
      "default of its topics, by Kafka's server setting name; repeatable",
      nameAndValue,
    )
    .action(
      async (
        name: string,
        options: { description?: string; default?: Record<string, string> },
        command: Command,
      ) => {
        const { myelin, output } = await contextOf(command);
        const cluster = await myelin.clusters.create({
          name,
          ...(options.description === undefined ? {} : { description: options.description }),
          ...(options.default === undefined ? {} : { defaults: options.default }),
        });
        describe(cluster, output);
      },
    );
  noun
    .command("describe")
    .description("one cluster, by name or id")
    .argument("<cluster>")
    .action(async (name: string, _options: object, command: Command) => {
      const { myelin, output } = await contextOf(command);
      describe(await myelin.clusters.get(name), output);
    });
  noun
    .command("delete")
    .alias("rm")
    .description("delete a cluster")
    .argument("<cluster>")
    .option("--force", "with all its topics and their messages")
    .action(async (name: string, options: { force?: boolean }, command: Command) => {
      const { myelin, output } = await contextOf(command);
      await myelin.clusters.delete(name, options);
      if (output.isJson) output.json({ deleted: name });
      else output.line(`Deleted cluster ${name}.`);
    });
  return noun;
}

function describe(cluster: Cluster, output: Output): void {
  if (output.isJson) return output.json(shown(cluster));
  output.line(`Name               ${cluster.name}`);
  output.line(`Id                 ${cluster.id}`);
  output.line(`State              ${cluster.state}`);
  output.line(`Bootstrap servers  ${cluster.bootstrapServers}`);
  output.line(`HTTP endpoint      ${cluster.httpEndpoint}`);
  output.line(`Created            ${cluster.createdAt.toISOString()}`);
}

function shown({ id, name, state, bootstrapServers, httpEndpoint, createdAt }: Cluster): object {
  return { id, name, state, bootstrapServers, httpEndpoint, createdAt };
}
