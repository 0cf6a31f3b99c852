import { crc32 } from "node:zlib";
import { Myelin } from "../../sdk/src/myelin.ts";
import type { RawClient } from "../../test/support/raw-client.ts";
import { type BrokerLife, startBroker } from "./broker-process.ts";
import { type ClientProcess, startClient } from "./client-process.ts";
import { idOf } from "./clients/lines.ts";
import { createDice, type Dice } from "./dice.ts";
import { type Feed, startFeed } from "./feed.ts";
import { boundsOf, connect, groupOffsets, OutOfRange, recordsOf } from "./kafka-calls.ts";
import { Ledger, type Totals, type Violations } from "./ledger.ts";
import type { Plan, ReaderPlan, WriterPlan } from "./plan.ts";
import { programs } from "./programs.ts";
import { type Sample, sample, type Trend, trend } from "./samples.ts";

export type SoakOptions = {
  readonly plan: Plan;
  readonly data: string;
  readonly port: number;
  readonly httpPort: number;
  readonly seed: number;
  /** Rates of the plan, times this. */
  readonly rate: number;
  /** When each life ends; the last one is not killed before its time, so that memory can be watched. */
  readonly lives: readonly LifeEnd[];
  readonly say: (line: string) => void;
};

/** After so many seconds, however far it has come; or after so many acknowledged records, however long they take. */
export type LifeEnd =
  | { readonly after: "seconds"; readonly seconds: number }
  | { readonly after: "records"; readonly records: number };

export type SoakReport = {
  readonly seed: number;
  readonly minutes: number;
  readonly kills: number;
  readonly clients: readonly string[];
  readonly leftOut: readonly string[];
  readonly totals: Totals;
  readonly violations: Violations;
  /** Violations of other kinds: the broker ended by itself, its log said an error, it did not stop, memory grew, a group does not get on. */
  readonly faults: readonly string[];
  /** What went wrong and was tried again, by who and what. */
  readonly troubles: Readonly<Record<string, number>>;
  readonly startMs: readonly number[];
  readonly trends: readonly Trend[];
  readonly cpuSecondsPerMinute: number;
  readonly samples: readonly Sample[];
};

const endLimitMs = 90_000;
const drainLimitMs = 120_000;
const observeEveryMs = 2_000;

/** Loads a broker with every client of the plan, kills it again and again, and holds what is there at the end against what was promised. */
export async function soak(options: SoakOptions): Promise<SoakReport> {
  const run = new Soak(options);
  return run.run();
}

class Soak {
  readonly #options: SoakOptions;
  readonly #ledger = new Ledger();
  readonly #dice: Dice;
  readonly #samples: Sample[] = [];
  readonly #startMs: number[] = [];
  readonly #troubles = new Map<string, number>();
  readonly #faults = new Set<string>();
  readonly #leftOut: string[] = [];
  readonly #clients: string[] = [];
  readonly #writers: { client: ClientProcess; feed: Feed }[] = [];
  readonly #readers: ClientProcess[] = [];
  readonly #groups = new Set<string>();
  #life: BrokerLife;
  #lifeNumber = 0;
  #isKilling = false;
  #kills = 0;
  #cpuSeconds = 0;

  constructor(options: SoakOptions) {
    this.#options = options;
    this.#dice = createDice(options.seed);
    this.#life = this.#start();
  }

  async run(): Promise<SoakReport> {
    const startedAt = performance.now();
    await this.#life.up;
    await this.#createTopics();
    this.#startClients();
    const timers = [
      setInterval(() => this.#sample(), 1_000),
      setInterval(() => void this.#observe(), observeEveryMs),
    ];
    try {
      for (const end of this.#options.lives) await this.#liveAndDie(end);
      await this.#endWriters();
      await this.#kill("at the end, when all was answered");
      await this.#life.up;
      await this.#drainGroups();
    } finally {
      for (const timer of timers) clearInterval(timer);
    }
    await Promise.all(this.#readers.map((each) => each.end(endLimitMs)));
    await this.#observe();
    await this.#readEverything();
    await this.#stop();
    return this.#report((performance.now() - startedAt) / 60_000);
  }

  #start(): BrokerLife {
    const { data, port, httpPort } = this.#options;
    this.#lifeNumber++;
    const life = startBroker({
      data,
      port,
      httpPort,
      onLog: (level, message) => {
        this.#trouble(`broker ${level}: ${message}`);
        if (level === "error") this.#faults.add(`the broker's log says: ${message}`);
      },
    });
    life.up.then(() => this.#startMs.push(Math.round(life.readyMs ?? 0))).catch(() => undefined);
    void life.ended.then((code) => {
      if (!this.#isKilling) this.#faults.add(`the broker ended by itself with ${code}`);
    });
    return life;
  }

  async #createTopics(): Promise<void> {
    const cluster = await new Myelin({
      url: `http://127.0.0.1:${this.#options.httpPort}`,
    }).clusters.get("dev");
    for (const { name, partitions, configs } of this.#options.plan.topics)
      await cluster.topics.create({ name, partitions, configs: { ...configs } });
  }

  #startClients(): void {
    const { plan } = this.#options;
    const names = new Set([...plan.writers, ...plan.readers].map(({ program }) => program));
    for (const name of names) {
      const reason = programs[name].unavailable();
      if (reason === null) this.#clients.push(programs[name].title);
      else this.#leftOut.push(`${programs[name].title}: ${reason}`);
    }
    const isHere = ({ program }: { program: keyof typeof programs }): boolean =>
      this.#clients.includes(programs[program].title);
    for (const writer of plan.writers.filter(isHere)) this.#startWriter(writer);
    for (const reader of plan.readers.filter(isHere))
      for (let member = 0; member < reader.members; member++) this.#startReader(reader);
    for (const line of this.#leftOut) this.#options.say(`left out: ${line}`);
  }

  #startWriter(plan: WriterPlan): void {
    const { program, compression, isIdempotent } = plan;
    const name = `${program} writer`;
    const index = this.#ledger.addWriter({ name, isIdempotent });
    const client = startClient({
      name,
      command: programs[program].writer({ bootstrap: this.#bootstrap, compression }),
      onTrouble: (what) => this.#trouble(what),
      onRestart: () => feed.forgotten(),
      onLine: ([kind, id = "", ...rest]) => {
        if (kind === "+") this.#ledger.acknowledged(id, placeOf(rest));
        else this.#trouble(`${name}: ${kind === "-" ? `given up: ${rest[0]}` : id}`);
        if (kind === "+" || kind === "-") feed.answered();
      },
    });
    const rate = plan.rate * this.#options.rate;
    const feed = startFeed({ ledger: this.#ledger, dice: this.#dice, plan, index, client, rate });
    this.#writers.push({ client, feed });
  }

  #startReader({ program, topics, group, rate }: ReaderPlan): void {
    const name = `${program} reader`;
    if (group !== "") this.#groups.add(group);
    const scaled = rate * this.#options.rate;
    const client = startClient({
      name,
      command: programs[program].reader({
        bootstrap: this.#bootstrap,
        topics,
        group,
        rate: scaled,
      }),
      onTrouble: (what) => this.#trouble(what),
      onLine: ([kind, ...rest]) => {
        const [, , , id = "", sum] = rest;
        if (kind === "R")
          this.#ledger.seen({ ...placeOf(rest), id, sum: Number(sum) }, group || null);
        else if (kind === "C") this.#ledger.committed(group, placeOf(rest));
        else this.#trouble(`${name}: ${rest.join(" ")}`);
      },
    });
    this.#readers.push(client);
  }

  async #liveAndDie(end: LifeEnd): Promise<void> {
    if (end.after === "seconds") await this.#seconds(end.seconds);
    else {
      await this.#life.up;
      const until = this.#ledger.totals.acknowledged + end.records;
      while (this.#ledger.totals.acknowledged < until) await this.#seconds(0.02);
    }
    const { acknowledged, sightings } = this.#ledger.totals;
    await this.#kill(`${acknowledged} records acknowledged, ${sightings} seen so far`);
  }

  async #kill(when: string): Promise<void> {
    this.#isKilling = true;
    this.#sample();
    const age = ((performance.now() - this.#life.startedAtMs) / 1000).toFixed(1);
    await this.#life.kill();
    this.#kills++;
    this.#endLife();
    this.#options.say(`killed life ${this.#lifeNumber} at the age of ${age} s: ${when}`);
    this.#life = this.#start();
    this.#isKilling = false;
  }

  #endLife(): void {
    const last = this.#samples.at(-1);
    if (last?.life === this.#lifeNumber) this.#cpuSeconds += last.cpuSeconds;
  }

  #sample(): void {
    const taken = sample(this.#life, this.#lifeNumber);
    if (taken !== null && taken.cpuSeconds > 0) this.#samples.push(taken);
  }

  /** Asks what every group has committed, if the broker answers. */
  async #observe(): Promise<void> {
    try {
      await this.#asked(async (client) => {
        for (const group of this.#groups) {
          const floors = this.#ledger.floors(group);
          const places = await groupOffsets(client, group);
          if (places === null) continue;
          const told = new Set(places.map(({ topic, partition }) => `${topic}:${partition}`));
          for (const place of places) this.#ledger.fetched(group, place, floors);
          for (const [key, floor] of floors)
            if (!told.has(key) && floor >= 0)
              this.#ledger.fetched(group, { ...parted(key), offset: -1 }, floors);
        }
      });
    } catch {
      // It is down, or was killed in between: the next look will tell.
    }
  }

  async #asked(ask: (client: RawClient) => Promise<void>): Promise<void> {
    const client = await connect(this.#options.port);
    try {
      await ask(client);
    } finally {
      await client.close();
    }
  }

  async #endWriters(): Promise<void> {
    await this.#life.up;
    for (const { feed } of this.#writers) feed.stop();
    await Promise.all(this.#writers.map(({ client }) => client.end(endLimitMs)));
    const { sent, acknowledged } = this.#ledger.totals;
    this.#options.say(`writers are done: ${sent} records sent, ${acknowledged} acknowledged`);
  }

  /** Until every group has committed what there is. One that stands still before is a fault; the laggard may lag. */
  async #drainGroups(): Promise<void> {
    const groups = new Map(
      this.#options.plan.readers
        .filter(({ group, rate }) => this.#groups.has(group) && rate === 0)
        .map(({ group, topics }) => [group, topics]),
    );
    const deadline = performance.now() + drainLimitMs;
    while (groups.size > 0 && performance.now() < deadline) {
      await this.#seconds(1);
      await this.#observe();
      for (const [group, topics] of groups)
        if ((await this.#lag(group, topics)) === 0) groups.delete(group);
    }
    for (const [group, topics] of groups)
      this.#faults.add(
        `group ${group} still lags by ${await this.#lag(group, topics)} records ${drainLimitMs / 1000} s after the last was written`,
      );
  }

  async #lag(group: string, topics: readonly string[]): Promise<number> {
    let lag = 0;
    await this.#asked(async (client) => {
      const places = (await groupOffsets(client, group)) ?? [];
      for (const topic of topics)
        for (const partition of this.#partitionsOf(topic)) {
          const { end, start } = await boundsOf(client, topic, partition);
          const found = places.find((each) => each.topic === topic && each.partition === partition);
          lag += end - Math.max(found?.offset ?? 0, start);
        }
    });
    return lag;
  }

  #partitionsOf(topic: string): number[] {
    const plan = this.#options.plan.topics.find(({ name }) => name === topic);
    return Array.from({ length: plan?.partitions ?? 0 }, (_, index) => index);
  }

  async #readEverything(): Promise<void> {
    await this.#asked(async (client) => {
      for (const { name } of this.#options.plan.topics)
        for (const partition of this.#partitionsOf(name))
          await this.#readPartition(client, name, partition);
    });
    this.#ledger.conclude();
  }

  async #readPartition(client: RawClient, topic: string, partition: number): Promise<void> {
    for (let next = 0; ;) {
      const { start, end } = await boundsOf(client, topic, partition);
      this.#ledger.bounds(topic, partition, { start, end });
      next = Math.max(next, start);
      try {
        const range = { topic, partition, start: next, end };
        for await (const { offset, value } of recordsOf(client, range)) {
          const id = idOf(value.subarray(0, 40).toString("latin1"));
          this.#ledger.stored({ topic, partition, offset, id, sum: crc32(value) });
          next = offset + 1;
        }
        return;
      } catch (error) {
        // Retention goes on while we read.
        if (!(error instanceof OutOfRange)) throw error;
      }
    }
  }

  async #stop(): Promise<void> {
    this.#isKilling = true;
    const code = await this.#life.stop();
    if (code !== 0) this.#faults.add(`the broker stopped with ${code}`);
  }

  #report(minutes: number): SoakReport {
    const trends = this.#trends();
    for (const { measure, first, last, isFlat } of trends)
      if (!isFlat)
        this.#faults.add(`${measure} grew from ${first.toFixed(0)} to ${last.toFixed(0)}`);
    return {
      seed: this.#options.seed,
      minutes,
      kills: this.#kills,
      clients: this.#clients,
      leftOut: this.#leftOut,
      totals: this.#ledger.totals,
      violations: this.#ledger.violations,
      faults: [...this.#faults],
      troubles: Object.fromEntries([...this.#troubles].sort((a, b) => b[1] - a[1])),
      startMs: this.#startMs,
      trends,
      cpuSecondsPerMinute: this.#cpuSeconds / minutes,
      samples: this.#samples,
    };
  }

  /** Of the longest life. */
  #trends(): Trend[] {
    const lives = [...Map.groupBy(this.#samples, ({ life }) => life).values()];
    const longest = lives.toSorted((a, b) => b.length - a.length)[0] ?? [];
    return (["rssMb", "liveHeapMb", "handles"] as const)
      .map((measure) => trend(longest, measure))
      .filter((each) => each !== null);
  }

  #trouble(what: string): void {
    this.#troubles.set(what, (this.#troubles.get(what) ?? 0) + 1);
  }

  /** Unless the broker ends by itself: then there is nothing to wait for. */
  async #seconds(count: number): Promise<void> {
    await Promise.race([
      new Promise((resolve) => setTimeout(resolve, count * 1000)),
      this.#life.ended,
    ]);
    if (!this.#isKilling && [...this.#faults].some((each) => each.includes("ended by itself")))
      throw new Error([...this.#faults].join("; "));
  }

  get #bootstrap(): string {
    return `127.0.0.1:${this.#options.port}`;
  }
}

function placeOf([topic = "", partition, offset]: readonly string[]): {
  topic: string;
  partition: number;
  offset: number;
} {
  return { topic, partition: Number(partition), offset: Number(offset) };
}

function parted(key: string): { topic: string; partition: number } {
  const at = key.lastIndexOf(":");
  return { topic: key.slice(0, at), partition: Number(key.slice(at + 1)) };
}

/** Whether anything was found that may not be. */
export const isClean = ({ violations, faults }: SoakReport): boolean =>
  Object.keys(violations.counts).length === 0 && faults.length === 0;
