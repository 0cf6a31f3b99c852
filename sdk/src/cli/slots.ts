import { existsSync } from "node:fs";
import { join } from "node:path";
import { InvalidArgumentError } from "commander";
import { portOffsetStep } from "../../../metadata/port-offset.ts";
import type { CellOptions } from "./cell-options.ts";
import { cellFlags } from "./cell-options.ts";
import { positiveNumber } from "./option-values.ts";

// The brokers of one machine are numbered from 1: a broker's slot says where its data and its ports are. Port 0 is a free one for each.

/** Between one cluster's ports and the next there is room for no more (decision 3). */
const maxSlot = portOffsetStep - 1;

/** Of an option: how many brokers share a machine, or which of them one is. */
export function slotNumber(text: string): number {
  const value = positiveNumber(text);
  if (value <= maxSlot) return value;
  throw new InvalidArgumentError(`A machine has at most ${maxSlot} brokers.`);
}

export function directoryOf({ data }: CellOptions, slot: number): string {
  return join(data, `broker-${slot}`);
}

export function kafkaPortOf({ port }: CellOptions, slot: number): number {
  return port === 0 ? 0 : port + slot - 1;
}

/** A broker's own /metrics, /healthz and /readyz, right after the HTTP API. */
export function httpPortOf({ httpPort }: CellOptions, slot: number): number {
  return httpPort === 0 ? 0 : httpPort + slot;
}

export function zoneOf(slot: number, zoneCount = maxSlot): string {
  return `zone-${((slot - 1) % zoneCount) + 1}`;
}

/** How many brokers have lived in a data directory: slots are taken from 1 on. */
export function slotsIn(options: CellOptions): number {
  let slot = 0;
  while (slot < maxSlot && existsSync(directoryOf(options, slot + 1))) slot++;
  return slot;
}

/** Of `myelin broker`, as arguments. */
export function brokerFlags(options: CellOptions, slot: number, zone: string): string[] {
  const ofZone = zone === zoneOf(slot) ? [] : ["--zone", zone];
  return ["--slot", String(slot), ...ofZone, ...cellFlags(options)];
}

/** What starts a broker again by hand, to be copied into a shell. */
export function startCommand(options: CellOptions, slot: number, zone: string): string {
  return ["npx --no myelin broker", ...brokerFlags(options, slot, zone).map(quoted)].join(" ");
}

function quoted(word: string): string {
  return /^[\w./:@%+,=-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
