import type { TypeNode, VersionRange } from "./types.ts";

/** One version of a message and its encoding. */
export type WireVersion = { readonly version: number; readonly isFlexible: boolean };

export function isWithin(range: VersionRange, version: number): boolean {
  return version >= range[0] && version <= range[1];
}

export function isCarried(node: TypeNode, at: WireVersion): boolean {
  return node.versions === undefined || isWithin(node.versions, at.version);
}

export function isNullableIn(node: TypeNode, at: WireVersion): boolean {
  return node.nullable !== undefined && isWithin(node.nullable, at.version);
}

export function isCompact(node: TypeNode, at: WireVersion): boolean {
  return at.isFlexible && node.classic === undefined;
}
