import { MyelinError } from "./errors.ts";

const durations: Record<string, number> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 7 * 86_400_000,
};

const sizes: Record<string, number> = {
  b: 1,
  kb: 1000,
  mb: 1000 ** 2,
  gb: 1000 ** 3,
  tb: 1000 ** 4,
  kib: 1024,
  mib: 1024 ** 2,
  gib: 1024 ** 3,
  tib: 1024 ** 4,
};

/** Milliseconds of a duration as people write it: `7d`, `1h30m`, `500ms`; a bare number is milliseconds. */
export function parseDuration(text: string | number): number {
  if (typeof text === "number") return text;
  const total = parseParts(text, durations);
  if (total !== null) return total;
  throw new MyelinError(
    "INVALID_ARGUMENT",
    `"${text}" is not a duration: write a number and ms, s, m, h, d or w, as in 7d or 1h30m`,
  );
}

/** Bytes of a size as people write it: `512MiB`, `1GB`; a bare number is bytes. */
export function parseSize(text: string | number): number {
  if (typeof text === "number") return text;
  const total = parseParts(text, sizes);
  if (total !== null) return total;
  throw new MyelinError(
    "INVALID_ARGUMENT",
    `"${text}" is not a size: write a number and B, kB, MB, GB, KiB, MiB or GiB, as in 512MiB`,
  );
}

function parseParts(text: string, units: Record<string, number>): number | null {
  const trimmed = text.trim().toLowerCase();
  if (/^-?\d+$/.test(trimmed)) return Number(trimmed);
  if (!/^(\d+(?:\.\d+)?\s*[a-z]+\s*)+$/.test(trimmed)) return null;
  let total = 0;
  for (const [, count, unit] of trimmed.matchAll(/(\d+(?:\.\d+)?)\s*([a-z]+)/g)) {
    const size = units[unit ?? ""];
    if (size === undefined) return null;
    total += Number(count) * size;
  }
  return Math.round(total);
}

/**
 * A topic setting as the wire wants it: `*.ms` settings take durations, `*.bytes` settings sizes; everything else passes as it is.
 * -1 (Kafka's "no limit") passes too.
 */
export function settingValue(name: string, value: string | number | boolean): string {
  if (typeof value !== "string") return String(value);
  if (/^-?\d+$/.test(value)) return value;
  if (name.endsWith(".ms")) return String(parseDuration(value));
  if (name.endsWith(".bytes")) return String(parseSize(value));
  return value;
}
