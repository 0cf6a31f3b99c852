// Confluent REST v3 names each resource twice: `self`, where it is read, and `resource_name`, a path of kind=name pairs.

export type ResourcePath = readonly (readonly [kind: string, name: string | number])[];

export function clusterUrl(origin: string, clusterId: string): string {
  return `${origin}/kafka/v3/clusters/${encodeURIComponent(clusterId)}`;
}

export function topicUrl(origin: string, clusterId: string, topicName: string): string {
  return `${clusterUrl(origin, clusterId)}/topics/${encodeURIComponent(topicName)}`;
}

export function partitionUrl(topicSelf: string, partitionId: number): string {
  return `${topicSelf}/partitions/${partitionId}`;
}

export function resourceName(path: ResourcePath): string {
  return `crn:///${path.map(([kind, name]) => `${kind}=${name}`).join("/")}`;
}

/** `metadata` of a list: itself, and the next page if there is one. */
export function collectionLinks(
  self: string,
  nextToken: string | null,
  pageSize: number | undefined,
): { self: string; next: string | null } {
  if (nextToken === null) return { self, next: null };
  const query = new URLSearchParams({ page_token: nextToken });
  if (pageSize !== undefined) query.set("page_size", String(pageSize));
  return { self, next: `${self}?${query.toString()}` };
}
