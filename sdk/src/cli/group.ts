import type { Admin } from "@platformatic/kafka";
import { Command } from "commander";
import { connectionOptions } from "../client/connection-options.ts";
import { toMyelinError } from "../errors.ts";
import type { Context } from "./context.ts";
import { contextOf } from "./context.ts";
import { CliError } from "./failure.ts";
import type { Output } from "./output.ts";

export function groupCommand(): Command {
  const noun = new Command("group").description("consumer groups of a cluster");
  noun
    .command("list")
    .alias("ls")
    .description("all groups of the cluster")
    .action(async (_options: object, command: Command) => {
      const { output, ...context } = await contextOf(command);
      const groups = await withAdmin(context, (admin) => admin.listGroups({}));
      const shown = [...groups.values()].map(({ id, state }) => ({
        group: id,
        state: word(state),
      }));
      if (output.isJson) return output.json(shown);
      output.table(
        ["group", "state"],
        shown.map(({ group, state }) => [group, state]),
      );
    });
  noun
    .command("describe")
    .description("a group's members, offsets and lag")
    .argument("<group>")
    .action(async (name: string, _options: object, command: Command) => {
      const { output, ...context } = await contextOf(command);
      show(await withAdmin(context, (admin) => describe(admin, name)), output);
    });
  noun
    .command("delete")
    .alias("rm")
    .description("delete groups with their offsets; they must have no members")
    .argument("<group...>")
    .action(async (names: string[], _options: object, command: Command) => {
      const { output, ...context } = await contextOf(command);
      for (const group of names) {
        await withAdmin(context, (admin) => admin.deleteGroups({ groups: [group] }));
        if (output.isJson) output.json({ deleted: group });
        else output.line(`Deleted group ${group}.`);
      }
    });
  return noun;
}

type GroupPartition = {
  topic: string;
  partition: number;
  offset: number | null;
  end: number;
  lag: number | null;
  member: string | null;
};
type GroupDescription = {
  group: string;
  state: string;
  members: { id: string; clientId: string; host: string }[];
  partitions: GroupPartition[];
};

async function withAdmin<Result>(
  { cluster }: Pick<Context, "cluster">,
  use: (admin: Admin) => Promise<Result>,
): Promise<Result> {
  const { bootstrapServers } = await cluster();
  const connection = { bootstrapServers, clientId: "myelin-cli", retries: 3 };
  const { Admin } = await import("@platformatic/kafka");
  const admin = new Admin(connectionOptions(connection));
  try {
    return await use(admin);
  } catch (error) {
    if (error instanceof CliError) throw error;
    throw toMyelinError(error, "Asking for groups failed");
  } finally {
    await admin.close();
  }
}

async function describe(admin: Admin, name: string): Promise<GroupDescription> {
  const group = (await admin.describeGroups({ groups: [name] })).get(name);
  if (group === undefined || word(group.state) === "dead")
    throw new CliError(
      `There is no group ${name}. See the groups there are with: myelin group list`,
    );
  const [committed] = await admin.listConsumerGroupOffsets({ groups: [name] });
  const members = [...group.members.values()];
  const owners = new Map(
    members.flatMap(({ id, assignments }) =>
      [...(assignments?.values() ?? [])].flatMap(({ topic, partitions }) =>
        partitions.map((partition) => [keyOf(topic, partition), { topic, partition, id }] as const),
      ),
    ),
  );
  const offsets = new Map(
    (committed?.topics ?? []).flatMap(({ name: topic, partitions }) =>
      partitions.map(
        ({ partitionIndex: partition, committedOffset }) =>
          [keyOf(topic, partition), { topic, partition, offset: Number(committedOffset) }] as const,
      ),
    ),
  );
  const places = [...new Map<string, Place>([...owners, ...offsets]).values()];
  const ends = await endsOf(admin, places);
  return {
    group: name,
    state: word(group.state),
    members: members.map(({ id, clientId, clientHost }) => ({ id, clientId, host: clientHost })),
    partitions: places.sort(byPlace).map(({ topic, partition }) => {
      const key = keyOf(topic, partition);
      const offset = offsets.get(key)?.offset ?? -1;
      const end = ends.get(key) ?? 0;
      const isKnown = offset >= 0;
      return {
        topic,
        partition,
        offset: isKnown ? offset : null,
        end,
        lag: isKnown ? Math.max(0, end - offset) : null,
        member: owners.get(key)?.id ?? null,
      };
    }),
  };
}

type Place = { topic: string; partition: number };

function keyOf(topic: string, partition: number): string {
  return `${partition}:${topic}`;
}

function byPlace(a: Place, b: Place): number {
  return a.topic === b.topic ? a.partition - b.partition : a.topic < b.topic ? -1 : 1;
}

async function endsOf(admin: Admin, places: readonly Place[]): Promise<Map<string, number>> {
  if (places.length === 0) return new Map();
  const topics = [...Map.groupBy(places, ({ topic }) => topic)].map(([name, each]) => ({
    name,
    partitions: each.map(({ partition }) => ({ partitionIndex: partition, timestamp: -1n })),
  }));
  const listed = await admin.listOffsets({ topics });
  return new Map(
    listed.flatMap(({ name, partitions }) =>
      partitions.map(
        ({ partitionIndex, offset }) => [keyOf(name, partitionIndex), Number(offset)] as const,
      ),
    ),
  );
}

function show({ group, state, members, partitions }: GroupDescription, output: Output): void {
  if (output.isJson) return output.json({ group, state, members, partitions });
  output.line(`Group    ${group}`);
  output.line(`State    ${state}`);
  output.line(`Members  ${members.length}`);
  if (partitions.length === 0) return;
  output.line("");
  output.table(
    ["topic", "partition", "offset", "end", "lag", "member"],
    partitions.map((each) => [
      each.topic,
      String(each.partition),
      String(each.offset ?? "-"),
      String(each.end),
      String(each.lag ?? "-"),
      each.member ?? "-",
    ]),
  );
}

/** The library knows states by Kafka's words or in capitals, as the API has them. */
function word(state: string): string {
  return state.toLowerCase().replaceAll("_", "");
}
