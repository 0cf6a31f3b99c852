/**
 * Internal topics belong to the cell, groups to a cluster: in keys and for placement a group is `<cluster id>:<group id>`. Cluster ids hold no colon,
 * so the first one divides, whatever the group id holds.
 */
export function groupKeyOf(clusterId: string, groupId: string): string {
  return `${clusterId}:${groupId}`;
}

export function splitGroupKey(groupKey: string): { clusterId: string; groupId: string } {
  const colon = groupKey.indexOf(":");
  return { clusterId: groupKey.slice(0, colon), groupId: groupKey.slice(colon + 1) };
}

/** Record keys hold the group key as a string of at most 32,767 bytes. UTF-8 takes at most three bytes per UTF-16 unit. */
export const groupIdMaxLength = 10_000;
