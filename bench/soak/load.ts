import { type ClientProcess, startClient } from "./client-process.ts";
import type { Dice } from "./dice.ts";
import { type Feed, startFeed } from "./feed.ts";
import type { Ledger, Place } from "./ledger.ts";
import type { Plan, ReaderPlan, WriterPlan } from "./plan.ts";
import { programs } from "./programs.ts";

export type LoadOptions = {
  readonly plan: Plan;
  readonly bootstrap: string;
  readonly ledger: Ledger;
  readonly dice: Dice;
  /** Rates of the plan, times this. */
  readonly rate: number;
  /** What runs the clients, as in `ip netns exec NAME`. */
  readonly prefix: readonly string[];
  readonly onAcknowledged?: (place: Place) => void;
  /** A writer that tries again for as long as Kafka's clients do by default (two minutes) has had enough. */
  readonly onGivenUp?: (writer: string, reason: string) => void;
  /** A directory for what clients say on their standard error. */
  readonly clientLogs?: string;
  /** Something failed, and is tried again or given up. */
  readonly onTrouble: (what: string) => void;
};

/** The clients of a plan, in processes of their own, and what they say, in the ledger. */
export type Load = {
  readonly clients: readonly string[];
  /** Which could not be had here, and why. */
  readonly leftOut: readonly string[];
  /** Groups that have members. */
  readonly groups: ReadonlySet<string>;
  /** No more records; resolves when all are answered, or a client that does not end was ended. */
  endWriters(): Promise<void>;
  endReaders(): Promise<void>;
};

const endLimitMs = 90_000;

export function startLoad(options: LoadOptions): Load {
  return new RunningLoad(options);
}

class RunningLoad implements Load {
  readonly clients: string[] = [];
  readonly leftOut: string[] = [];
  readonly groups = new Set<string>();
  readonly #options: LoadOptions;
  readonly #writers: { client: ClientProcess; feed: Feed }[] = [];
  readonly #readers: ClientProcess[] = [];

  constructor(options: LoadOptions) {
    this.#options = options;
    const { writers, readers } = options.plan;
    for (const name of new Set([...writers, ...readers].map(({ program }) => program))) {
      const reason = programs[name].unavailable();
      if (reason === null) this.clients.push(programs[name].title);
      else this.leftOut.push(`${programs[name].title}: ${reason}`);
    }
    const isHere = ({ program }: { program: keyof typeof programs }): boolean =>
      this.clients.includes(programs[program].title);
    for (const writer of writers.filter(isHere)) this.#startWriter(writer);
    for (const reader of readers.filter(isHere))
      for (let member = 0; member < reader.members; member++) this.#startReader(reader);
  }

  async endWriters(): Promise<void> {
    for (const { feed } of this.#writers) feed.stop();
    await Promise.all(this.#writers.map(({ client }) => client.end(endLimitMs)));
  }

  async endReaders(): Promise<void> {
    await Promise.all(this.#readers.map((each) => each.end(endLimitMs)));
  }

  get #logs() {
    const { clientLogs } = this.#options;
    return clientLogs === undefined ? {} : { logs: clientLogs };
  }

  #startWriter(plan: WriterPlan): void {
    const { ledger, dice, bootstrap, prefix, onTrouble } = this.#options;
    const { program, compression, isIdempotent } = plan;
    const name = `${program} writer`;
    const index = ledger.addWriter({ name, isIdempotent });
    const client = startClient({
      name,
      command: [...prefix, ...programs[program].writer({ bootstrap, compression })],
      ...this.#logs,
      onTrouble,
      onRestart: () => feed.forgotten(),
      onLine: ([kind, id = "", ...rest]) => {
        if (kind === "+") {
          ledger.acknowledged(id, placeOf(rest));
          this.#options.onAcknowledged?.(placeOf(rest));
        } else onTrouble(`${name}: ${kind === "-" ? `given up: ${rest[0]}` : id}`);
        if (kind === "-" && isIdempotent) this.#options.onGivenUp?.(name, rest[0] ?? "");
        if (kind === "+" || kind === "-") feed.answered();
      },
    });
    const rate = plan.rate * this.#options.rate;
    const feed = startFeed({ ledger, dice, plan, index, client, rate });
    this.#writers.push({ client, feed });
  }

  #startReader({ program, topics, group, rate }: ReaderPlan): void {
    const { ledger, bootstrap, prefix, onTrouble } = this.#options;
    const name = `${program} reader`;
    if (group !== "") this.groups.add(group);
    const options = { bootstrap, topics, group, rate: rate * this.#options.rate };
    const client = startClient({
      name,
      command: [...prefix, ...programs[program].reader(options)],
      ...this.#logs,
      onTrouble,
      onLine: ([kind, ...rest]) => {
        const [, , , id = "", sum] = rest;
        if (kind === "R") ledger.seen({ ...placeOf(rest), id, sum: Number(sum) }, group || null);
        else if (kind === "C") ledger.committed(group, placeOf(rest));
        else onTrouble(`${name}: ${rest.join(" ")}`);
      },
    });
    this.#readers.push(client);
  }
}

function placeOf([topic = "", partition, offset]: readonly string[]): Place {
  return { topic, partition: Number(partition), offset: Number(offset) };
}
