import type { Group, Member, Protocol } from "./group.ts";

export function supportsProtocol(member: Member, name: string): boolean {
  return member.protocols.some((protocol) => protocol.name === name);
}

/** The first member sets the type; everybody after must share it and have a protocol that every member has. */
export function acceptsProtocols(
  group: Group,
  protocolType: string,
  protocols: readonly Protocol[],
): boolean {
  if (group.members.size === 0) return protocolType !== "" && protocols.length > 0;
  if (protocolType !== group.protocolType) return false;
  const members = [...group.members.values()];
  return protocols.some(({ name }) => members.every((member) => supportsProtocol(member, name)));
}

export function metadataBytes(protocols: readonly Protocol[]): number {
  return protocols.reduce((sum, { name, metadata }) => sum + name.length + metadata.byteLength, 0);
}

/** Each member votes for the first of its protocols that all have; most votes win, among equals the one voted for first. */
export function selectProtocol(group: Group): string | null {
  const members = [...group.members.values()];
  const common = new Set(
    members[0]?.protocols
      .map(({ name }) => name)
      .filter((name) => members.every((member) => supportsProtocol(member, name))),
  );
  const votes = new Map<string, number>();
  for (const member of members) {
    const choice = member.protocols.find(({ name }) => common.has(name))?.name;
    if (choice !== undefined) votes.set(choice, (votes.get(choice) ?? 0) + 1);
  }
  let winner: string | null = null;
  for (const [name, count] of votes)
    if (winner === null || count > (votes.get(winner) ?? 0)) winner = name;
  return winner;
}

export function metadataFor(member: Member, protocolName: string | null): Uint8Array {
  return member.protocols.find(({ name }) => name === protocolName)?.metadata ?? new Uint8Array(0);
}

export function haveSameProtocols(left: readonly Protocol[], right: readonly Protocol[]): boolean {
  return (
    left.length === right.length &&
    left.every((protocol, index) => {
      const other = right[index];
      return (
        other !== undefined &&
        other.name === protocol.name &&
        Buffer.compare(other.metadata, protocol.metadata) === 0
      );
    })
  );
}
