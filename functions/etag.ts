// ETags are metadata revisions: a topic or cluster carries the revision of the entry that last changed it, and the commands compare with it on exactly
// the image they decide on. So If-Match holds across processes, without a lock.

export function etagOf(resource: { readonly revision: number }): string {
  return `"${resource.revision}"`;
}

/**
 * The revision a conditional change must find: undefined without a condition (no If-Match, or `*`), `current` if one of the ETags names it, else one
 * that no resource ever has. Weak ETags never match (RFC 9110, 13.1.1).
 */
export function expectedRevision(
  ifMatch: string | undefined,
  current: number | undefined,
): number | undefined {
  if (ifMatch === undefined || ifMatch.trim() === "*") return undefined;
  const named = ifMatch.split(",").map((each) => each.trim());
  return named.some((each) => current !== undefined && each === `"${current}"`) ? current : -1;
}
