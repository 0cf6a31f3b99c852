import { metadataFor } from "./protocols.ts";
import type { Group, Member } from "./group.ts";

/** The one protocol type whose metadata the broker reads; all others ("connect", "sr", ...) are opaque. */
export const consumerProtocolType = "consumer";

/**
 * Topics in a ConsumerProtocolSubscription, or null if the bytes are none. Only the head is read: version, then the topics, which every version
 * begins with (later versions may only append).
 */
export function parseSubscribedTopics(metadata: Uint8Array): string[] | null {
  const view = Buffer.from(metadata.buffer, metadata.byteOffset, metadata.byteLength);
  if (view.length < 6) return null;
  const count = view.readInt32BE(2);
  // A topic takes at least its length's two bytes: no count the bytes cannot hold is looped over.
  if (count < 0 || count > (view.length - 6) / 2) return null;
  const topics: string[] = [];
  let position = 6;
  for (let index = 0; index < count; index++) {
    if (position + 2 > view.length) return null;
    const length = view.readInt16BE(position);
    position += 2;
    if (length < 0 || position + length > view.length) return null;
    topics.push(view.toString("utf8", position, position + length));
    position += length;
  }
  return topics;
}

/** The union of what the members subscribe to under the group's protocol; null where that cannot be known. */
export function subscribedTopicsOf(group: Group): ReadonlySet<string> | null {
  if (group.protocolType !== consumerProtocolType) return null;
  const topics = new Set<string>();
  for (const member of group.members.values()) {
    const subscribed = parseSubscribedTopics(metadataFor(member, group.protocolName));
    if (subscribed === null) return null;
    for (const topic of subscribed) topics.add(topic);
  }
  return topics;
}

/** Offsets of a topic in use are neither deleted nor expired. A consumer group whose subscriptions cannot be read may use any. */
export function isSubscribedTo(group: Group, topic: string): boolean {
  if (group.protocolType !== consumerProtocolType || group.members.size === 0) return false;
  return group.subscribedTopics?.has(topic) ?? true;
}

/** What decides whether a restarted static member can take over its predecessor's assignment. */
export function haveSameSubscription(left: Member, right: Member, group: Group): boolean {
  if (group.protocolType !== consumerProtocolType) return true;
  // Not byte by byte: the rest of the metadata (owned partitions, generation) differs after every restart.
  const topics = [left, right].map((member) =>
    parseSubscribedTopics(metadataFor(member, group.protocolName))?.sort().join("\n"),
  );
  return topics[0] === topics[1];
}
