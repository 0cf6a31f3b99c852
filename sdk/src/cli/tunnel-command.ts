import { Command } from "commander";
import { portNumber } from "./option-values.ts";
import { createOutput } from "./output.ts";

export type TunnelOptions = {
  /** One of the two at least. */
  ecsCluster?: string;
  apiUrl?: string;
  port: number;
  httpPort: number;
  kafkaPort: number;
  region?: string;
  aws: string;
};

export function tunnelCommand(): Command {
  return new Command("tunnel")
    .description("reach a cell in AWS from outside its VPC: its brokers, as ports of this machine")
    .option("--ecs-cluster <name>", "of the brokers, as the stack's output EcsCluster has it")
    .option(
      "--api-url <address>",
      "of the HTTP API, the output ApiUrl: requests to it are signed, or have the token of MYELIN_TOKEN; alone it needs no broker",
    )
    .option("--port <number>", "of this machine, for bootstrap.servers", portNumber, 9092)
    .option("--http-port <number>", "of this machine, for the HTTP API", portNumber, 8080)
    .option("--kafka-port <number>", "of the Kafka cluster at the brokers", portNumber, 9092)
    .option("--region <name>", "of the cell (the AWS CLI's own)")
    .option("--aws <path>", "the AWS CLI", "aws")
    .action(async (options: TunnelOptions, command: Command) => {
      const output = createOutput(command.optsWithGlobals<{ json?: boolean }>().json === true);
      // Only here, for it brings signing with it.
      const { keepTunnelOpen } = await import("./tunnel.ts");
      await keepTunnelOpen(options, output);
    });
}
