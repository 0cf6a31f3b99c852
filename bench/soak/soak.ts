import { Myelin } from "../../sdk/src/myelin.ts";
import { type BrokerLife, startBroker } from "../cell/broker-process.ts";
import { type Audit, createAudit } from "./audit.ts";
import { createDice, type Dice } from "./dice.ts";
import { Ledger } from "./ledger.ts";
import { type Load, startLoad } from "./load.ts";
import type { Plan } from "./plan.ts";
import { type Sample, sample, trendsOf } from "./samples.ts";
import type { SoakReport } from "./soak-report.ts";

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
  /** A directory for what clients say on their standard error. */
  readonly clientLogs?: string;
  readonly say: (line: string) => void;
};

/** After so many seconds, however far it has come; or after so many acknowledged records, however long they take. */
export type LifeEnd =
  | { readonly after: "seconds"; readonly seconds: number }
  | { readonly after: "records"; readonly records: number };

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
    const load = this.#startLoad();
    const { plan } = this.#options;
    const { groups } = load;
    const audit = createAudit({ ledger: this.#ledger, plan, bootstrap: this.#bootstrap, groups });
    await this.#live(load, audit);
    await load.endReaders();
    await audit.observe();
    await audit.readEverything();
    await audit.close();
    await this.#stop();
    return this.#report(load, (performance.now() - startedAt) / 60_000);
  }

  async #live(load: Load, audit: Audit): Promise<void> {
    const timers = [
      setInterval(() => this.#sample(), 1_000),
      setInterval(() => void audit.observe(), observeEveryMs),
    ];
    try {
      for (const end of this.#options.lives) await this.#liveAndDie(end);
      await this.#life.up;
      await load.endWriters();
      const { sent, acknowledged } = this.#ledger.totals;
      this.#options.say(`writers are done: ${sent} records sent, ${acknowledged} acknowledged`);
      await this.#kill("at the end, when all was answered");
      await this.#life.up;
      for (const lag of await audit.drain()) this.#faults.add(lag);
    } finally {
      for (const timer of timers) clearInterval(timer);
    }
  }

  #startLoad(): Load {
    const { plan, rate, say, clientLogs } = this.#options;
    const load = startLoad({
      plan,
      bootstrap: this.#bootstrap,
      ledger: this.#ledger,
      dice: this.#dice,
      rate,
      ...(clientLogs === undefined ? {} : { clientLogs }),
      prefix: [],
      onTrouble: (what) => this.#trouble(what),
    });
    for (const line of load.leftOut) say(`left out: ${line}`);
    return load;
  }

  #start(): BrokerLife {
    const { data, port, httpPort } = this.#options;
    this.#lifeNumber++;
    const flags = ["--data", data, "--port", `${port}`, "--http-port", `${httpPort}`];
    const life = startBroker({
      args: ["dev", ...flags],
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

  async #stop(): Promise<void> {
    this.#isKilling = true;
    const code = await this.#life.stop();
    if (code !== 0) this.#faults.add(`the broker stopped with ${code}`);
  }

  #report(load: Load, minutes: number): SoakReport {
    const trends = trendsOf(this.#samples);
    for (const { measure, first, last, isFlat } of trends)
      if (!isFlat)
        this.#faults.add(`${measure} grew from ${first.toFixed(0)} to ${last.toFixed(0)}`);
    return {
      seed: this.#options.seed,
      minutes,
      deeds: { "kill -9": this.#kills },
      clients: load.clients,
      leftOut: load.leftOut,
      totals: this.#ledger.totals,
      violations: this.#ledger.violations,
      faults: [...this.#faults],
      troubles: Object.fromEntries([...this.#troubles].sort((a, b) => b[1] - a[1])),
      silences: {},
      startMs: this.#startMs,
      trends,
      cpuSecondsPerMinute: this.#cpuSeconds / minutes,
      samples: this.#samples,
    };
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
