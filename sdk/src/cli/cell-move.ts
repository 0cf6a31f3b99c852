import { Command, InvalidArgumentError } from "commander";
import type { Cluster } from "../cluster.ts";
import type { CellControl, MoveOptions, OperationDescription } from "../control/cell.ts";
import { MyelinError } from "../errors.ts";
import { counted, movesLine } from "./cell-report.ts";
import { contextOf } from "./context.ts";
import { CliError } from "./failure.ts";
import { followOperations } from "./follow-operations.ts";
import { brokerIds } from "./option-values.ts";

type Place = { topic: string; partition: number | null };
type Options = {
  replicas?: number[];
  cancel?: boolean;
  changeFactor?: boolean;
  wait: boolean;
};

export function moveCommand(): Command {
  return new Command("move")
    .description("move the replicas of a topic, or of one of its partitions, to other brokers")
    .argument("<topic[:partition]>", "as in orders or orders:3", place)
    .option(
      "-r, --replicas <brokers>",
      "the brokers to hold it, as in 1,2,3: the first is to lead; over a topic's partitions they take turns",
      brokerIds,
    )
    .option("--change-factor", "also if that is another number of replicas than now")
    .option("--cancel", "take the moves under way back")
    .option("--no-wait", "begin it, and do not wait for its end")
    .action(async (wanted: Place, options: Options, command: Command) => {
      if ((options.replicas === undefined) === (options.cancel !== true))
        throw new CliError("Give either --replicas or --cancel.", 2);
      const context = await contextOf(command);
      const { myelin, output } = context;
      const cluster = await context.cluster();
      const assignments =
        options.replicas === undefined
          ? await movesOf(myelin.cell, cluster, wanted)
          : await assignmentsOf(cluster, wanted, options.replicas);
      const begun = await begin(myelin.cell, {
        clusterId: cluster.id,
        topic: wanted.topic,
        assignments,
        allowReplicationFactorChange: options.changeFactor ?? false,
      });
      const isFollowed = options.wait && options.cancel !== true;
      const moves = isFollowed ? await followOperations(context, begun) : begun;
      if (output.isJson) return output.json(moves);
      output.line(outcome(wanted, moves));
    });
}

async function begin(cell: CellControl, wanted: MoveOptions): Promise<OperationDescription[]> {
  try {
    return await cell.move(wanted);
  } catch (error) {
    if (!(error instanceof MyelinError) || error.code !== "INVALID_REPLICATION_FACTOR") throw error;
    throw new CliError(`Not moved: ${error.message}. If that is meant, pass --change-factor.`);
  }
}

export function place(text: string): Place {
  const found = /^([^:]+)(?::(\d{1,9}))?$/.exec(text);
  if (found?.[1] === undefined) throw new InvalidArgumentError("Write topic or topic:partition.");
  return { topic: found[1], partition: found[2] === undefined ? null : Number(found[2]) };
}

type Assignments = MoveOptions["assignments"];

/** Turned by one from partition to partition: else the first broker would lead them all. */
export function turned(replicas: readonly number[], partition: number): number[] {
  const first = partition % replicas.length;
  return [...replicas.slice(first), ...replicas.slice(0, first)];
}

async function assignmentsOf(
  { topics }: Cluster,
  { topic, partition }: Place,
  replicas: readonly number[],
): Promise<Assignments> {
  if (partition !== null) return [{ partition, replicas: [...replicas] }];
  const { partitions } = await topics.get(topic);
  return Array.from({ length: partitions }, (_, index) => {
    return { partition: index, replicas: turned(replicas, index) };
  });
}

async function movesOf(
  cell: CellControl,
  { id: clusterId }: Cluster,
  { topic, partition: wanted }: Place,
): Promise<Assignments> {
  const moving = (await cell.operations()).flatMap(({ partition }) => partition ?? []);
  const found = moving.filter((each) => {
    const isMeant = wanted === null || each.partition === wanted;
    return each.clusterId === clusterId && each.topic === topic && isMeant;
  });
  if (found.length > 0) return found.map(({ partition }) => ({ partition, replicas: null }));
  throw new CliError(`No replica of ${topic} is being moved.`);
}

function outcome({ topic }: Place, moves: readonly OperationDescription[]): string {
  const partitions = counted(moves.length, "partition");
  if (moves.every(({ state }) => state === "done")) return `Moved ${partitions} of ${topic}.`;
  if (moves.every(({ state }) => state === "canceled"))
    return `Took back the moves of ${partitions} of ${topic}.`;
  const canceled = moves.filter(({ state }) => state === "canceled").length;
  if (canceled > 0) return `Of ${partitions} of ${topic} ${canceled} went elsewhere meanwhile.`;
  return `${movesLine(moves)} See how far with: myelin cell status`;
}
