// Revisions are padded so that the store's order of keys is theirs.
const digits = 16;

export function snapshotPrefix(cell: string): string {
  return `cells/${cell}/metadata/snapshots/`;
}

export function snapshotKey(cell: string, revision: number): string {
  return snapshotPrefix(cell) + padded(revision);
}

export function archivePrefix(cell: string): string {
  return `cells/${cell}/metadata/log/`;
}

/** An archive is named by the last revision in it, so that whoever knows a snapshot finds what comes behind it without listing all. */
export function archiveKey(cell: string, lastRevision: number): string {
  return archivePrefix(cell) + padded(lastRevision);
}

/** The revision a key ends in; null for a key that is not ours. */
export function revisionOfKey(key: string): number | null {
  const name = key.slice(key.lastIndexOf("/") + 1);
  return /^\d{16}$/.test(name) ? Number(name) : null;
}

function padded(revision: number): string {
  return String(revision).padStart(digits, "0");
}
