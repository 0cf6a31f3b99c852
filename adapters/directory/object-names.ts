// Where a key's object lies: folders by its "/", and an ending on the file so that the key "a" and the keys under "a/" can live side by side.
import path from "node:path";
import { decodeSegment, encodeSegment } from "../object-key.ts";

const objectEnding = ".object";

// "%" is followed by two digits in every encoded name, so no key leads here.
export const unfinishedFolder = "%unfinished";
export const lockName = "%lock";

/** A folder must not look like an object: its last letter is written as %74. */
function folderName(segment: string): string {
  const name = encodeSegment(segment);
  return name.endsWith(objectEnding) ? `${name.slice(0, -1)}%74` : name;
}

export function objectPath(root: string, key: string): string {
  const segments = key.split("/");
  const last = segments.pop() ?? "";
  return path.join(root, ...segments.map(folderName), encodeSegment(last) + objectEnding);
}

/** The folder of the keys that begin with `segments`, or null if no key can. */
export function folderPath(root: string, segments: readonly string[]): string | null {
  const isPossible = segments.every((one) => one !== "" && one !== "." && one !== "..");
  return isPossible ? path.join(root, ...segments.map(folderName)) : null;
}

export type Entry = { kind: "object" | "folder"; name: string };

/** What a directory entry stands for, or null if it is none of ours. */
export function entryOf(fileName: string, isFolder: boolean): Entry | null {
  const kind = isFolder ? "folder" : "object";
  if (!isFolder && !fileName.endsWith(objectEnding)) return null;
  const encoded = isFolder ? fileName : fileName.slice(0, -objectEnding.length);
  const name = decodeSegment(encoded);
  if (name === null || name === "") return null;
  const isOurs = isFolder ? folderName(name) === encoded : encodeSegment(name) === encoded;
  return isOurs ? { kind, name } : null;
}
