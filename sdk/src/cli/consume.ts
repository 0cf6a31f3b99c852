import { Command } from "commander";
import type { ReadFrom } from "../client/reader.ts";
import type { ReceivedMessage } from "../client/received-message.ts";
import { bytes, nullable } from "../codecs.ts";
import type { Cluster } from "../cluster.ts";
import type { Context } from "./context.ts";
import { contextOf } from "./context.ts";
import { CliError } from "./failure.ts";
import { messageFormat, messageJson } from "./message-format.ts";
import { positiveNumber, readFrom, wholeNumber } from "./option-values.ts";
import { createProgress } from "./progress.ts";
import { createStdoutWriter } from "./stdout-writer.ts";

type ConsumeOptions = {
  group?: string;
  fromBeginning?: boolean;
  from?: ReadFrom;
  partition?: number;
  count?: number;
  untilEnd?: boolean;
  format: string;
};

export function consumeCommand(): Command {
  return new Command("consume")
    .description("print messages as they come; without a group nothing is committed")
    .argument("<topic...>")
    .option("-g, --group <name>", "read as a member of this group, from where it has got to")
    .option(
      "-b, --from-beginning",
      "from the first message on (with --group: if it has no offsets)",
    )
    .option(
      "-o, --from <when>",
      "from 2h ago, a time (2026-11-21T10:00Z), an offset, -5 (the last five of each partition)",
      readFrom,
    )
    .option("-p, --partition <number>", "only this partition", wholeNumber)
    .option("-c, --count <number>", "stop after so many messages", positiveNumber)
    .option("-e, --until-end", "stop at what is the end when it starts")
    .option(
      "-F, --format <pattern>",
      "%t topic %p partition %o offset %k key %v value %h headers %d time",
      "%v",
    )
    .action(async (topics: string[], options: ConsumeOptions, command: Command) => {
      checkOptions(options);
      await consume(topics, options, await contextOf(command));
    });
}

function checkOptions({ group, from, fromBeginning, untilEnd, partition }: ConsumeOptions): void {
  if (from !== undefined && fromBeginning === true)
    throw new CliError("--from and --from-beginning exclude each other: choose one.", 2);
  if (group === undefined) return;
  const without = [
    from === undefined ? null : "--from",
    untilEnd === true ? "--until-end" : null,
    partition === undefined ? null : "--partition",
  ].find((flag) => flag !== null);
  if (without !== undefined)
    throw new CliError(
      `${without} does not go with --group: a group goes on from its own offsets. Leave out --group to read without one.`,
      2,
    );
}

type Bytes = Uint8Array | null;
type Messages = AsyncIterable<ReceivedMessage<Bytes>> & { close(): Promise<void> };

const rawValue = nullable(bytes);

async function consume(
  topics: readonly string[],
  options: ConsumeOptions,
  context: Context,
): Promise<void> {
  const print = context.output.isJson ? messageJson : messageFormat(options.format);
  const cluster = await context.cluster();
  const stop = new AbortController();
  const interrupt = (): void => {
    if (stop.signal.aborted) process.exit(130);
    stop.abort();
  };
  process.on("SIGINT", interrupt);
  process.on("SIGTERM", interrupt);
  const writer = createStdoutWriter(() => stop.abort());
  const progress = createProgress();
  const messages = openMessages(cluster, topics, { options, signal: stop.signal });
  const total = (): number | null => ("total" in messages ? messages.total : null);
  let count = 0;
  try {
    for await (const message of messages) {
      await writer.write(print(message));
      count++;
      // Between printed lines a progress line would only be in the way.
      if (options.untilEnd === true && process.stdout.isTTY !== true)
        progress.update(count, fractionOf(count, total()));
      // Not left by `break`: what has been printed is done.
      if (count === options.count) stop.abort();
    }
  } finally {
    progress.end();
    await messages.close();
    await writer.flush();
    process.off("SIGINT", interrupt);
    process.off("SIGTERM", interrupt);
  }
}

function fractionOf(count: number, total: number | null): number | null {
  return total === null || total === 0 ? null : count / total;
}

function openMessages(
  cluster: Cluster,
  topics: readonly string[],
  { options, signal }: { options: ConsumeOptions; signal: AbortSignal },
): (Messages & { readonly total: number | null }) | Messages {
  const common = { topics, value: rawValue, signal, clientId: "myelin-cli" };
  const { group, count } = options;
  if (group !== undefined) {
    const from = options.fromBeginning === true ? "beginning" : "end";
    return cluster.consumer<Bytes>({ ...common, group, from });
  }
  return cluster.reader<Bytes>({
    ...common,
    from: startOf(options),
    retries: 3,
    ...(options.partition === undefined ? {} : { partitions: [options.partition] }),
    ...(count === undefined ? {} : { count }),
    untilEnd: options.untilEnd ?? false,
  });
}

/** Reading until the end, from the end, would read nothing: without another word it starts at the beginning. */
function startOf({ from, fromBeginning, untilEnd }: ConsumeOptions): ReadFrom {
  if (from !== undefined) return from;
  return fromBeginning === true || untilEnd === true ? "beginning" : "end";
}
