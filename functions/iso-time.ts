/** Milliseconds since the epoch as RFC 3339 in UTC. */
export function isoTime(ms: number): string {
  // oxlint-disable-next-line no-restricted-globals -- formats a given time; reads no clock
  return new Date(ms).toISOString();
}
