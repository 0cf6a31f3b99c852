// npm run bench:cold: what the object store costs and gives. Over a directory, and over one as far away as S3 is; idle partitions in simulated time.
import { parseArgs } from "node:util";
import { wireClient } from "../harness/load-client.ts";
import { describeMachine, machineText } from "../harness/machine.ts";
import { catchUp } from "./catch-up.ts";
import { compactionSpeed } from "./compaction-speed.ts";
import { idlePuts } from "./idle-puts.ts";
import { recoveryTime } from "./recovery-time.ts";
import { tieringCost } from "./tiering-cost.ts";

const { values } = parseArgs({
  options: {
    only: { type: "string", default: "cost,idle,catch-up,compaction,recovery" },
    rounds: { type: "string", default: "3" },
    seconds: { type: "string", default: "20" },
  },
});

const wire = wireClient();
if ("missing" in wire) {
  console.error(wire.missing);
  process.exit(1);
}
const rounds = Number(values.rounds);
const seconds = Number(values.seconds);
const sections: Record<string, { title: string; run: () => Promise<string> }> = {
  cost: { title: "What tiering costs", run: () => tieringCost(wire, { rounds, seconds }) },
  idle: { title: "What idle partitions cost", run: idlePuts },
  "catch-up": { title: "Catching up", run: () => catchUp(wire, { rounds, seconds }) },
  recovery: { title: "When every disk is lost", run: () => recoveryTime({ rounds }) },
  compaction: { title: "Compaction, end to end", run: () => compactionSpeed({ rounds }) },
};
console.log(`${machineText(describeMachine())}\n`);
for (const name of values.only.split(",")) {
  const section = sections[name];
  if (section === undefined) {
    console.error(`${name} is none of ${Object.keys(sections).join(", ")}`);
    process.exit(1);
  }
  console.log(`### ${section.title}\n\n${await section.run()}\n`);
}
