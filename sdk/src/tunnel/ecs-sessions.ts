// A way into brokers' tasks that opens no port anywhere: ECS Exec, by the AWS CLI and its Session Manager plugin.
// https://docs.aws.amazon.com/systems-manager/latest/userguide/session-manager-working-with-sessions-start.html (port forwarding)
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { connect } from "node:net";
import type { Socket } from "node:net";
import type { BrokerTask, EcsOptions } from "./ecs-tasks.ts";
import { createTaskList } from "./ecs-tasks.ts";
import type { Address } from "./rewrite-response.ts";
import { reasonOf, SessionError } from "./session-error.ts";

export type EcsSessions = {
  /** Throws SessionError. */
  tasks(): Promise<BrokerTask[]>;
  /** Connects to a port of the broker that has an address. Throws SessionError. */
  dial(address: Address): Promise<Socket>;
  /** Ends every session. */
  close(): void;
};

const startLimitMs = 30_000;

export function createEcsSessions(options: EcsOptions): EcsSessions {
  const { region, aws = "aws" } = options;
  const tasks = createTaskList(options);
  const place = region === null ? [] : ["--region", region];
  /** "host:port" of the cell -> port of this machine. */
  const sessions = new Map<string, Promise<number>>();
  const children = new Set<ChildProcess>();
  let isClosed = false;

  /** `whenOver` is called when it ends, or never began. */
  async function open({ host, port }: Address, whenOver: () => void): Promise<number> {
    try {
      const task = (await tasks()).find((each) => each.host === host);
      if (task === undefined)
        throw new SessionError(
          `no broker's task has the address ${host}: it was replaced, or stopped`,
        );
      // Nobody would end a session that begins now.
      if (isClosed) throw new SessionError("the tunnel is closed");
      const parameters = JSON.stringify({ portNumber: [String(port)] });
      const document = ["--document-name", "AWS-StartPortForwardingSession"];
      const args = ["ssm", "start-session", "--target", task.target, ...document];
      // A group of its own: the CLI starts the plugin, and both are to end together.
      const child = spawn(aws, [...args, "--parameters", parameters, ...place], {
        detached: true,
        stdio: ["ignore", "pipe", "pipe"],
      });
      children.add(child);
      child.once("close", () => {
        children.delete(child);
        whenOver();
      });
      return await portOf(child, aws);
    } catch (error) {
      whenOver();
      throw error;
    }
  }

  return {
    tasks,
    async dial(address) {
      const key = `${address.host}:${address.port}`;
      let session = sessions.get(key);
      if (session === undefined) {
        session = open(address, () => sessions.delete(key));
        sessions.set(key, session);
      }
      return connectTo(await session);
    },
    close() {
      isClosed = true;
      for (const child of children) end(child);
    },
  };
}

/** The plugin picks a port of this machine and says which. */
function portOf(child: ChildProcess, aws: string): Promise<number> {
  return new Promise((resolve, reject) => {
    let said = "";
    const timer = setTimeout(() => {
      end(child);
      reject(new SessionError(`no session after ${startLimitMs / 1_000} s: ${said.trim()}`));
    }, startLimitMs);
    const listen = (chunk: Buffer): void => {
      said = (said + chunk.toString()).slice(-4_096);
      const [, port] = /Port (\d+) opened/.exec(said) ?? [];
      if (port === undefined) return;
      clearTimeout(timer);
      resolve(Number(port));
    };
    child.stdout?.on("data", listen);
    child.stderr?.on("data", listen);
    child.once("error", (error) => {
      clearTimeout(timer);
      reject(new SessionError(reasonOf(error, aws), { cause: error }));
    });
    child.once("close", () => {
      clearTimeout(timer);
      reject(new SessionError(`the session ended: ${said.trim()}`));
    });
  });
}

function connectTo(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port, noDelay: true });
    socket.once("error", reject);
    socket.once("connect", () => {
      socket.off("error", reject);
      resolve(socket);
    });
  });
}

function end({ pid, exitCode }: ChildProcess): void {
  if (pid === undefined || exitCode !== null) return;
  try {
    process.kill(-pid, "SIGTERM");
  } catch (error) {
    // Between the look and the signal it has ended.
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
