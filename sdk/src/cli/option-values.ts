// Readers of option values, for commander. What they refuse is misuse: exit code 2.
import { InvalidArgumentError } from "commander";
import type { ReadFrom } from "../client/reader.ts";
import { parseDuration } from "../units.ts";

export function wholeNumber(text: string): number {
  if (/^\d+$/.test(text) && Number.isSafeInteger(Number(text))) return Number(text);
  throw new InvalidArgumentError("Write a whole number.");
}

export function positiveNumber(text: string): number {
  const value = wholeNumber(text);
  if (value > 0) return value;
  throw new InvalidArgumentError("Write a whole number above 0.");
}

export function portNumber(text: string): number {
  const value = wholeNumber(text);
  if (value <= 65_535) return value;
  throw new InvalidArgumentError("Ports go up to 65535.");
}

export function brokerId(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("Write a broker's id, as myelin cell status shows it.");
}

/** `1,2,3` */
export function brokerIds(text: string): number[] {
  return text.split(",").map((each) => brokerId(each.trim()));
}

/** Milliseconds of `30s`, `1m30s`. */
export function duration(text: string): number {
  try {
    return parseDuration(text);
  } catch {
    throw new InvalidArgumentError("Write a number and ms, s, m or h, as in 1m30s.");
  }
}

/** Gathers `name=value` of a repeatable option. */
export function nameAndValue(
  text: string,
  before: Record<string, string> = {},
): Record<string, string> {
  const at = text.indexOf("=");
  if (at < 1) throw new InvalidArgumentError("Write name=value.");
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) };
}

/** Gathers the values of a repeatable option. */
export function several(text: string, before: string[] = []): string[] {
  return [...before, text];
}

/** `2h` (ago), a time (`2026-11-21T10:00Z`), an offset, `-5` (so many before the end), `beginning` or `end`. */
export function readFrom(text: string): ReadFrom {
  if (text === "beginning" || text === "end") return text;
  if (/^-?\d+$/.test(text)) return Number(text);
  const time = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : NaN;
  if (!Number.isNaN(time)) return new Date(time);
  try {
    return { ago: parseDuration(text) };
  } catch {
    throw new InvalidArgumentError(
      "Write how long ago (2h), a time (2026-11-21T10:00Z), an offset, or beginning or end.",
    );
  }
}
