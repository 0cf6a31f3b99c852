import type { Gap } from "../log/gaps.ts";
import { behindGaps } from "./behind-gaps.ts";
import { maxLeaving, type Manifest, type SegmentEntry } from "./manifest.ts";
import { parseName } from "./object-keys.ts";

/**
 * What no manifest may be (I10), given the log's recoveries: for the simulator, which asks after every put, and for tools. `pages`: what those it lists hold,
 * by name; of a page that is not given only the summary counts.
 */
export function manifestProblems(
  manifest: Manifest,
  gaps: readonly Gap[],
  pages: ReadonlyMap<string, readonly SegmentEntry[]> = new Map(),
): string[] {
  const problems: string[] = [];
  const ranges: { name: string; baseOffset: number; endOffset: number }[] = [];
  for (const page of manifest.pages) {
    const entries = pages.get(page.name);
    ranges.push(...(entries ?? [page]));
    if (entries === undefined) continue;
    const sizeBytes = entries.reduce((sum, entry) => sum + entry.sizeBytes, 0);
    if (
      entries.length !== page.segmentCount ||
      entries[0]?.baseOffset !== page.baseOffset ||
      entries.at(-1)?.endOffset !== page.endOffset ||
      sizeBytes !== page.sizeBytes
    ) {
      problems.push(`page ${page.name} is not what the manifest says of it`);
    }
    problems.push(...entries.flatMap((entry) => entryProblems(entry, manifest)));
  }
  ranges.push(...manifest.segments);
  problems.push(...manifest.segments.flatMap((entry) => entryProblems(entry, manifest)));
  problems.push(...rangeProblems(ranges, manifest, gaps), ...leavingProblems(manifest, ranges));
  return problems;
}

function entryProblems(entry: SegmentEntry, manifest: Manifest): string[] {
  const { name, leaderEpoch, dataBytes, sizeBytes, minTimestamp, maxTimestamp } = entry;
  const problems: string[] = [];
  const parsed = parseName(name);
  if (parsed?.kind !== "segment") return [`${name} is no segment's name`];
  if (parsed.baseOffset !== entry.baseOffset || parsed.leaderEpoch !== leaderEpoch) {
    problems.push(`segment ${name} is not named by its offset and epoch`);
  }
  if (leaderEpoch > manifest.leaderEpoch) {
    problems.push(`segment ${name} is of an epoch that never claimed the manifest`);
  }
  if (dataBytes < 0 || dataBytes >= sizeBytes) problems.push(`segment ${name} has no footer`);
  if (minTimestamp > maxTimestamp) problems.push(`segment ${name} has no times`);
  return problems;
}

function rangeProblems(
  ranges: readonly { name: string; baseOffset: number; endOffset: number }[],
  { logStartOffset }: Manifest,
  gaps: readonly Gap[],
): string[] {
  const problems: string[] = [];
  for (const [at, { name, baseOffset, endOffset }] of ranges.entries()) {
    if (baseOffset < 0 || baseOffset >= endOffset) problems.push(`${name} has no range`);
    if (gaps.some(({ end, start }) => baseOffset < start && endOffset > end)) {
      problems.push(`${name} lies in or over a recovery's gap`);
    }
    const before = ranges[at - 1]?.endOffset;
    if (before === undefined) continue;
    if (baseOffset < before) problems.push(`${name} overlaps what is before it`);
    // Below the log's start a hole hides nothing.
    const isCovered = baseOffset <= behindGaps(gaps, Math.max(before, logStartOffset));
    if (!isCovered) problems.push(`there is a hole before ${name}`);
  }
  const first = ranges[0];
  if (first !== undefined && first.baseOffset > behindGaps(gaps, logStartOffset)) {
    problems.push(`there is a hole between the log's start and ${first.name}`);
  }
  return problems;
}

function leavingProblems(
  manifest: Manifest,
  listed: readonly { readonly name: string }[],
): string[] {
  const problems: string[] = [];
  const names = new Set([
    ...listed.map(({ name }) => name),
    ...manifest.pages.map(({ name }) => name),
  ]);
  for (const { name } of manifest.leaving) {
    if (names.has(name)) problems.push(`${name} is listed and leaving`);
  }
  if (manifest.leaving.length > maxLeaving) problems.push("too many objects are leaving");
  return problems;
}
