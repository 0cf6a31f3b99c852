import { existsSync } from "node:fs";
import type { LogOutput } from "../../../broker/log-output.ts";
import type { BrokerChild, BrokerEnd, BrokerUp } from "./broker-child.ts";
import { BrokerEnded, describeEnd, startBrokerChild } from "./broker-child.ts";
import type { DevOptions } from "./cell-options.ts";
import { CliError } from "./failure.ts";
import { brokerFlags, directoryOf, startCommand, zoneOf } from "./slots.ts";

export type RunningBroker = BrokerUp & {
  readonly slot: number;
  readonly pid: number;
  readonly zone: string;
};

/** The broker processes of this one. Those that end are not started again: whoever ended them shall see what the others do. */
export type BrokerSet = {
  /** Resolves when all are up; throws CliError if one of them cannot start. */
  start(): Promise<RunningBroker[]>;
  /** SIGTERM to all that run; resolves when they have ended, and throws if one of them did not in good order. */
  stop(): Promise<void>;
  /** SIGKILL to all that run. */
  kill(): void;
};

export function createBrokerSet(options: DevOptions, log: LogOutput): BrokerSet {
  const children = new Map<number, BrokerChild>();
  let isStopping = false;

  async function startOne(slot: number): Promise<RunningBroker> {
    const zone = zoneOf(slot, options.zones);
    const child = startBrokerChild(brokerFlags(options, slot, zone));
    children.set(slot, child);
    const { pid } = child;
    const up = await child.up.catch((error: unknown) => {
      children.delete(slot);
      if (!(error instanceof BrokerEnded)) throw error;
      throw new CliError(`Broker ${slot} cannot start: ${error.message}, and has said why.`);
    });
    void child.ended.then((end) => {
      children.delete(slot);
      if (isStopping) return;
      const again = startCommand(options, slot, zone);
      log.warn(`Broker ${slot} (pid ${pid}) ${describeEnd(end)}. Start it again with: ${again}`);
    });
    return { ...up, slot, pid, zone };
  }

  return {
    async start() {
      const slots = Array.from({ length: options.brokers }, (_, index) => index + 1);
      const isKnown = (slot: number): boolean => existsSync(directoryOf(options, slot));
      const known = slots.filter(isKnown);
      const started = await Promise.all(known.map(startOne));
      // A broker's id is given when its new directory is registered: one after the other, so that it is that of its slot.
      for (const slot of slots)
        if (!known.includes(slot) && !isStopping) started.push(await startOne(slot));
      return started.sort((a, b) => a.slot - b.slot);
    },
    async stop() {
      isStopping = true;
      const ends = [...children].map(async ([slot, child]) => {
        child.signal("SIGTERM");
        return { slot, end: await child.ended };
      });
      const wrong = (await Promise.all(ends)).filter(({ end }) => !isClean(end));
      if (wrong.length === 0) return;
      throw new Error(
        wrong.map(({ slot, end }) => `broker ${slot} ${describeEnd(end)}`).join(", "),
      );
    },
    kill() {
      isStopping = true;
      for (const child of children.values()) child.signal("SIGKILL");
    },
  };
}

/** One that was told to stop while it started has nothing to put in order. */
function isClean({ code, signal }: BrokerEnd): boolean {
  return code === 0 || signal === "SIGTERM";
}
