import { Command } from "commander";
import { createDoors } from "../tunnel/doors.ts";
import { createEcsSessions } from "../tunnel/ecs-sessions.ts";
import { SessionError } from "../tunnel/session-error.ts";
import { CliError } from "./failure.ts";
import { portNumber } from "./option-values.ts";
import { createOutput } from "./output.ts";

type Options = {
  ecsCluster: string;
  port: number;
  kafkaPort: number;
  region?: string;
  aws: string;
};

export function tunnelCommand(): Command {
  return new Command("tunnel")
    .description("reach a cell in AWS from outside its VPC: its brokers, as ports of this machine")
    .requiredOption(
      "--ecs-cluster <name>",
      "of the brokers, as the stack's output EcsCluster has it",
    )
    .option("--port <number>", "of this machine, for bootstrap.servers", portNumber, 9092)
    .option("--kafka-port <number>", "of the Kafka cluster at the brokers", portNumber, 9092)
    .option("--region <name>", "of the cell (the AWS CLI's own)")
    .option("--aws <path>", "the AWS CLI", "aws")
    .action(async (options: Options, command: Command) => {
      const output = createOutput(command.optsWithGlobals<{ json?: boolean }>().json === true);
      const stop = new AbortController();
      for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort());
      const sessions = createEcsSessions({
        cluster: options.ecsCluster,
        region: options.region ?? null,
        aws: options.aws,
      });
      const doors = createDoors({
        dial: (address) => sessions.dial(address),
        onTrouble: (message) => output.note(message),
      });
      try {
        const [first, ...others] = await sessions.tasks();
        if (first === undefined)
          throw new CliError(
            `No broker runs in the ECS cluster ${options.ecsCluster}. Is the region right, or does the cell sleep?`,
          );
        // Anew for each connection, for the first broker may be gone by then.
        const dialAny = async () => {
          const [any = first] = await sessions.tasks();
          return sessions.dial({ host: any.host, port: options.kafkaPort });
        };
        const { host, port } = await doors.open(options.port, dialAny).catch((error: unknown) => {
          throw new CliError(
            `Port ${options.port} cannot be had: ${(error as Error).message}. Choose another with --port.`,
          );
        });
        const bootstrapServers = `${host}:${port}`;
        if (output.isJson) output.json({ bootstrap_servers: bootstrapServers });
        else {
          const count = others.length + 1;
          output.line(`A tunnel to ${options.ecsCluster} is open (brokers: ${count}).\n`);
          output.line(`  bootstrap.servers  ${bootstrapServers}\n`);
          output.line("Ctrl-C ends it.");
        }
        await aborted(stop.signal);
      } catch (error) {
        if (error instanceof SessionError) throw new CliError(error.message);
        throw error;
      } finally {
        await doors.close();
        sessions.close();
      }
    });
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
