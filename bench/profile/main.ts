// npm run bench:profile -- [options]: where the broker's own thread spends its time, and what it allocates, under one workload. Only the measured seconds are
// profiled, through the inspector. The .cpuprofile opens in Chrome's developer tools or in speedscope; the kernel's part is in the figures (user, system).
import { mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { benchDirectory, workDirectory } from "../harness/load-client.ts";
import { machineText, describeMachine } from "../harness/machine.ts";
import { markdownTable } from "../harness/markdown-table.ts";
import { threeDigits } from "../harness/statistics.ts";
import { measure } from "../load/measure.ts";
import { prepareClients } from "../load/session.ts";
import { freePort, startMyelin } from "../load/target.ts";
import { chooseWorkloads, type Workload } from "../load/workloads.ts";
import { connectInspector, type Inspector } from "./inspector.ts";
import {
  type CpuProfile,
  type HeapNode,
  idleShare,
  topByAllocation,
  topByTime,
  type TopFunction,
} from "./top-functions.ts";

const { values } = parseArgs({
  options: {
    only: { type: "string", default: "produce-1k,produce-100b-small-wire,fetch-hot" },
    seconds: { type: "string", default: "5" },
    warmup: { type: "string", default: "2" },
    top: { type: "string", default: "15" },
    allocation: { type: "boolean", default: false },
    out: { type: "string", default: join(workDirectory, "profile") },
  },
});

const root = resolve(benchDirectory, "..");

function table(functions: readonly TopFunction[], unit: string): string {
  const rows = functions
    .slice(0, Number(values.top))
    .map(({ name, place, amount, share }) => [
      name,
      place,
      threeDigits(amount),
      `${(share * 100).toFixed(1)} %`,
    ]);
  return markdownTable(["function", "at", unit, "share"], rows);
}

type Recording = { start(): Promise<void>; stop(workload: Workload): Promise<string> };

function recordTime(inspector: Inspector): Recording {
  return {
    async start() {
      await inspector.call("Profiler.enable");
      await inspector.call("Profiler.setSamplingInterval", { interval: 250 });
      await inspector.call("Profiler.start");
    },
    async stop(workload) {
      const profile = (await inspector.call("Profiler.stop"))["profile"] as CpuProfile;
      writeFileSync(join(values.out, `${workload.name}.cpuprofile`), JSON.stringify(profile));
      const idle = `thread idle ${(idleShare(profile) * 100).toFixed(0)} % of the time`;
      return `${idle}\n\n${table(topByTime(profile, root), "ms")}`;
    },
  };
}

function recordAllocation(inspector: Inspector): Recording {
  return {
    async start() {
      await inspector.call("HeapProfiler.startSampling", {
        samplingInterval: 16_384,
        includeObjectsCollectedByMajorGC: true,
        includeObjectsCollectedByMinorGC: true,
      });
    },
    async stop(workload) {
      const { head } = (await inspector.call("HeapProfiler.stopSampling"))["profile"] as {
        head: HeapNode;
      };
      writeFileSync(
        join(values.out, `${workload.name}.heapprofile`),
        JSON.stringify({ head, samples: [] }),
      );
      const functions = topByAllocation(head, root).map((each) => ({
        ...each,
        amount: each.amount / 1e6,
      }));
      return table(functions, "MB");
    },
  };
}

async function profile(workload: Workload): Promise<string> {
  const clients = prepareClients(null);
  if ("missing" in clients) throw new Error(clients.missing);
  const port = await freePort();
  const target = await startMyelin({ nodeFlags: [`--inspect=127.0.0.1:${port}`] });
  try {
    const inspector = await connectInspector(port);
    const recording = values.allocation ? recordAllocation(inspector) : recordTime(inspector);
    const recorded = Promise.withResolvers<string>();
    let started = Promise.resolve();
    const figures = await measure({
      workload,
      target,
      clients,
      round: 1,
      warmupSeconds: Number(values.warmup),
      seconds: Number(values.seconds),
      onTick: () => {},
      onBegin: () => {
        started = recording.start();
      },
      onEnd: () => {
        recorded.resolve(started.then(() => recording.stop(workload)));
      },
    });
    const text = await recorded.promise;
    inspector.close();
    const summary = `${threeDigits(figures.megabytesPerSecond)} MB/s, ${threeDigits(figures.recordsPerSecond)} records/s while profiled; CPU ${threeDigits(figures.cpuSecondsPerGb)} s/GB (user ${threeDigits(figures.userSecondsPerGb)}, system ${threeDigits(figures.systemSecondsPerGb)}); others had ${figures.otherCores.toFixed(2)} cores`;
    return `## ${workload.title}\n\n${summary}; ${text}\n`;
  } finally {
    await target.stop();
  }
}

mkdirSync(values.out, { recursive: true });
const parts = [`${new Date().toISOString()}, ${machineText(describeMachine())}\n`];
for (const workload of chooseWorkloads(values.only.split(","))) {
  const part = await profile(workload);
  console.log(part);
  parts.push(part);
}
const path = join(values.out, values.allocation ? "allocation.md" : "time.md");
writeFileSync(path, parts.join("\n"));
console.log(path);
