// Stands in for the AWS CLI and its plugin where a tunnel is tested: brokers of this machine are "tasks", and a session forwards to a port of one.
// `node fake-aws.ts ecs list-tasks ...`. FAKE_AWS_LOG is appended a line per call.
import { appendFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import type { AddressInfo } from "node:net";

const [service, verb, ...args] = process.argv.slice(2);
const log = process.env["FAKE_AWS_LOG"];
if (log !== undefined) appendFileSync(log, `${service} ${verb} ${args.join(" ")}\n`);

switch (`${service} ${verb}`) {
  case "ecs list-tasks":
    print({ taskArns: ["arn:aws:ecs:eu-central-1:111122223333:task/cell/abc"] });
    break;
  case "ecs describe-tasks":
    print({
      tasks: [
        {
          taskArn: "arn:aws:ecs:eu-central-1:111122223333:task/cell/abc",
          lastStatus: "RUNNING",
          attachments: [{ details: [{ name: "privateIPv4Address", value: "127.0.0.1" }] }],
          containers: [{ name: "code" }, { name: "broker", runtimeId: "abc-1" }],
        },
      ],
    });
    break;
  case "configure export-credentials":
    print({
      Version: 1,
      AccessKeyId: "AKIDEXAMPLE",
      SecretAccessKey: "secret",
      SessionToken: "token",
    });
    break;
  case "ssm start-session":
    forward();
    break;
  default:
    process.stderr.write(`An error occurred: no ${service} ${verb}\n`);
    process.exitCode = 254;
}

function print(answer: object): void {
  process.stdout.write(JSON.stringify(answer));
}

function forward(): void {
  const parameters = JSON.parse(args[args.indexOf("--parameters") + 1] ?? "{}") as {
    portNumber: [string];
  };
  const server = createServer((client) => {
    const broker = connect(Number(parameters.portNumber[0]), "127.0.0.1");
    client.pipe(broker).pipe(client);
    client.on("error", () => broker.destroy());
    broker.on("error", () => client.destroy());
  });
  server.listen(0, "127.0.0.1", () => {
    const { port } = server.address() as AddressInfo;
    process.stdout.write(`\nStarting session\nPort ${port} opened for sessionId fake.\n`);
  });
}
