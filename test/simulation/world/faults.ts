import type { FaultName, FaultRates } from "./fault-table.ts";
import { faultNames, faultTable } from "./fault-table.ts";
import type { Stream, Streams } from "./random-streams.ts";

/** The faults of one run: what rates they have, and whether one strikes now. */
export type Faults = {
  readonly rates: FaultRates;
  rate(name: FaultName): number;
  /** Draws for a `perCall` fault, from a stream of its own: another fault's rate changes nothing here. */
  strikes(name: FaultName): boolean;
  /** The fault's own stream, for how long or how much. */
  stream(name: FaultName): Stream;
  /** No fault strikes from here on: what was begun comes to its end. */
  quieten(): void;
};

export function createFaults(rates: FaultRates, streams: Streams): Faults {
  let isQuiet = false;
  const stream = (name: FaultName): Stream => streams(`fault ${name}`);
  return {
    rates,
    rate: (name) => (isQuiet ? 0 : (rates[name] ?? 0)),
    strikes(name) {
      const rate = rates[name] ?? 0;
      return rate > 0 && !isQuiet && stream(name).chance(rate);
    },
    stream,
    quieten() {
      isQuiet = true;
    },
  };
}

/** A mix for swarm mode: each fault is in it or not, and how strong it is differs by orders of magnitude (Groce et al., "Swarm Testing", 2012). */
export function drawFaultRates(
  stream: Stream,
  among: readonly FaultName[] = faultNames,
): FaultRates {
  const rates: FaultRates = {};
  const share = stream.pick([0.15, 0.3, 0.5]);
  for (const name of among) {
    const isIn = stream.chance(share);
    const [least, most] = faultTable[name].swarm;
    const rate = stream.logBetween(least, most);
    if (isIn) rates[name] = rate;
  }
  return rates;
}
