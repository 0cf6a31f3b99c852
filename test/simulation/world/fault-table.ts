// Every fault there is, by name. A rate is drawn for each from the seed (swarm mode) or given by hand; 0 is never. To add one: a line here, and
// `faults.strikes(name)` or `faults.rate(name)` where it happens.

/**
 * `perCall`: the share of calls (or bytes' arrivals, connections, writes) it happens to. `perHour`: how often it happens in an hour of simulated time in the
 * cell. `size`: no rate but a magnitude.
 */
type FaultUnit = "perCall" | "perHour" | "size";

type FaultSpec = {
  readonly unit: FaultUnit;
  /** Swarm draws a rate between these, evenly in the exponent, or none. */
  readonly swarm: readonly [least: number, most: number];
  /** What must be so for a history to be judged as strictly as ever. */
  readonly about: string;
};

const perCall = (least: number, most: number, about: string): FaultSpec => ({
  unit: "perCall",
  swarm: [least, most],
  about,
});
const perHour = (least: number, most: number, about: string): FaultSpec => ({
  unit: "perHour",
  swarm: [least, most],
  about,
});
const size = (least: number, most: number, about: string): FaultSpec => ({
  unit: "size",
  swarm: [least, most],
  about,
});

export const faultTable = {
  // Network.
  "network.delay": perCall(1e-4, 2e-2, "a segment is lost and sent again: 0.2 to 3 s late"),
  "network.split": perCall(1e-3, 0.3, "bytes arrive in odd pieces"),
  "network.lateTaken": perCall(1e-2, 0.5, "the kernel takes written bytes only after a while"),
  "network.reset": perCall(1e-5, 2e-3, "a segment meets a connection that is cut"),
  "network.dialTimesOut": perCall(1e-3, 5e-2, "a dial finds no answer"),
  "network.dialRefused": perCall(1e-3, 5e-2, "a dial is refused"),
  "network.slowReader": perCall(1e-3, 5e-2, "one end of a connection reads a few KiB a second"),
  "network.partition": perHour(20, 600, "two hosts do not reach each other for a while"),
  "network.oneWay": perHour(20, 600, "a host does not reach another, which does reach it"),
  "network.isolate": perHour(
    10,
    300,
    "a host reaches no other host, or none of its cell, for a while",
  ),
  // Disk.
  "disk.stall": perCall(1e-4, 5e-3, "a call takes 50 ms to 3 s"),
  "disk.slow": perHour(10, 200, "every call of a host takes ten times as long, for a while"),
  "disk.writeFails": perCall(1e-5, 2e-3, "a write rejects, without effect"),
  "disk.writeShort": perCall(1e-5, 2e-3, "a write takes some of its bytes and rejects"),
  "disk.flushFails": perCall(1e-5, 1e-3, "a flush rejects, and the pages count as clean"),
  "disk.readFails": perCall(1e-5, 1e-3, "a read rejects"),
  "disk.nameFails": perCall(1e-5, 1e-3, "making, replacing, renaming, removing or opening rejects"),
  "disk.full": perHour(10, 200, "the disk of a host has hardly a byte free for a while"),
  "disk.bitFlip": perHour(5, 100, "one bit of a stored file turns over"),
  // What a host crash leaves of what was not flushed; else it is all lost.
  "disk.torn": perCall(0.1, 0.5, "a host crash keeps it up to a random byte"),
  "disk.reordered": perCall(0.1, 0.5, "a host crash keeps random pages of it"),
  "disk.kept": perCall(0.1, 0.5, "a host crash keeps it all"),
  // Processes, hosts, directories.
  "process.kill": perHour(20, 1200, "a broker is killed (-9) and started again"),
  "process.stop": perHour(20, 600, "a broker is told to stop, and started again"),
  "process.pause": perHour(20, 1200, "a broker is stopped and continued (SIGSTOP, SIGCONT)"),
  "process.twice": perHour(5, 100, "a second process is started on a directory in use"),
  "cell.kill": perHour(5, 60, "every broker is killed at one moment"),
  "cell.crash": perHour(5, 60, "every broker's host loses power at one moment"),
  "host.crash": perHour(10, 600, "a host loses power, and what was not flushed"),
  "host.wipe": perHour(10, 200, "a host comes back with an empty disk"),
  "directory.rollBack": perHour(20, 400, "a directory comes back as it was some time ago"),
  // Clocks.
  "clock.skew": size(10, 60_000, "ms by which hosts' wall clocks differ"),
  "clock.drift": size(1, 500, "ppm by which hosts' clocks run fast or slow"),
  "clock.jump": perHour(10, 300, "a host's wall clock is set, by up to an hour"),
  "clock.lateTimer": perCall(1e-3, 5e-2, "a timer fires 1 to 200 ms late"),
  // Object store.
  "objects.slowDown": perCall(1e-3, 0.1, "503, without effect"),
  "objects.failsAfter": perCall(1e-3, 5e-2, "an error, having taken effect"),
  "objects.appliesLate": perCall(1e-3, 5e-2, "an error now, the effect 1 to 60 s later"),
  "objects.stall": perCall(1e-3, 5e-2, "a call takes 1 to 20 s"),
  // Metadata log.
  "metadata.failsBefore": perCall(1e-3, 0.1, "an error, without effect"),
  "metadata.failsAfter": perCall(1e-3, 0.1, "an error, having taken effect"),
  "metadata.appliesLate": perCall(1e-3, 5e-2, "an error now, the effect 0.1 to 10 s later"),
  "metadata.stall": perCall(1e-3, 5e-2, "a call takes 0.5 to 5 s"),
  "metadata.hintLost": perCall(1e-2, 1, "a process does not hear of an append"),
  "metadata.hintTwice": perCall(1e-2, 0.5, "a process hears of an append twice"),
  "metadata.outage": perHour(5, 120, "nobody reaches the log for a while"),
  // The last, so that what a seed draws of the others stays what it was.
  "objects.outage": perHour(5, 120, "nobody reaches the object store for a while"),
  "cell.wipe": perHour(60, 720, "every host of the cell comes back with an empty disk"),
  "objects.packLate": perCall(
    1e-2,
    0.9,
    "a put of a pack: an error now, the effect up to 60 s later",
  ),
  "objects.slow": perHour(5, 120, "every call of the object store takes 1 to 8 s, for a while"),
  "cell.sleep": perHour(60, 720, "the cell is put to sleep for a while, and wakes on other disks"),
} as const satisfies Record<string, FaultSpec>;

export type FaultName = keyof typeof faultTable;

export const faultNames = Object.keys(faultTable) as FaultName[];

export function isFaultName(name: string): name is FaultName {
  return Object.hasOwn(faultTable, name);
}

/** Rates by name; what is not named never happens. */
export type FaultRates = Partial<Record<FaultName, number>>;

/** "disk.torn=0.2,process.kill=20", as the command line has it. */
export function parseFaultRates(text: string): FaultRates {
  const rates: FaultRates = {};
  for (const part of text.split(",")) {
    const [name = "", rate = ""] = part.trim().split("=");
    if (!isFaultName(name)) {
      throw new Error(`no fault ${JSON.stringify(name)}; there are ${faultNames.join(", ")}`);
    }
    const value = Number(rate);
    if (rate === "" || !Number.isFinite(value) || value < 0) {
      throw new Error(`${name} needs a rate, as in ${name}=0.1`);
    }
    rates[name] = value;
  }
  return rates;
}

export function formatFaultRates(rates: FaultRates): string {
  return faultNames
    .filter((name) => (rates[name] ?? 0) > 0)
    .map((name) => `${name}=${Number(rates[name]?.toPrecision(3))}`)
    .join(",");
}
