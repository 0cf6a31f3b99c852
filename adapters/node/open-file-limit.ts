import { readFileSync } from "node:fs";

/** How many files and connections this process may have open at once; null where the system does not say (Linux does). Node has raised it to what it may be. */
export function openFileLimit(): number | null {
  try {
    return openFilesOf(readFileSync("/proc/self/limits", "utf8"));
  } catch {
    return null; // Not Linux.
  }
}

/** Of the text of /proc/<pid>/limits: the soft limit, which is the one that holds. */
export function openFilesOf(limits: string): number | null {
  const soft = /^Max open files\s+(\S+)/m.exec(limits)?.[1];
  if (soft === "unlimited") return Infinity;
  const count = Number(soft);
  return Number.isInteger(count) ? count : null;
}
