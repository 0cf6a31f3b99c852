import { createDice } from "../soak/dice.ts";
import { Ledger } from "../soak/ledger.ts";
import { startLoad } from "../soak/load.ts";
import type { Plan, WriterPlan } from "../soak/plan.ts";

/** Clients as people use them, beside the prober: what they give up after all their retries is what a failover has cost. */
export type RealClients = {
  readonly names: readonly string[];
  readonly acknowledged: number;
  readonly givenUp: number;
  end(): Promise<void>;
};

const writerOf = (program: WriterPlan["program"], topic: string): WriterPlan => ({
  program,
  topics: [topic],
  compression: "none",
  rate: 100,
  bytes: [100, 300],
  isIdempotent: true,
});

export function startRealClients(bootstrap: string, topic: string): RealClients {
  const programs = ["sdk", "librdkafka", "java", "franz"] as const;
  const writers = programs.map((program) => writerOf(program, topic));
  const plan: Plan = { topics: [], writers, readers: [] };
  const ledger = new Ledger();
  let givenUp = 0;
  const load = startLoad({
    plan,
    bootstrap,
    ledger,
    dice: createDice(1),
    rate: 1,
    prefix: [],
    onGivenUp: (writer, reason) => {
      givenUp++;
      console.log(`  the ${writer} gave up a record: ${reason}`);
    },
    onTrouble: () => undefined,
  });
  for (const each of load.leftOut) console.log(`  left out: ${each}`);
  return {
    names: load.clients,
    get acknowledged() {
      return ledger.totals.acknowledged;
    },
    get givenUp() {
      return givenUp;
    },
    end: () => load.endWriters(),
  };
}
